/**
 * What a tracker knows and what a look shows, in lines that can be compared.
 *
 * @module
 */

import type { Connection } from "../../diag/mod.ts";
import type { SubflowAddress } from "../../mod.ts";
import type { TrackedConnection } from "../../policy/mod.ts";

/** What is known. */
export function trackedLines(
  connections: Iterable<TrackedConnection>,
): string[] {
  return [...connections].flatMap((one) => {
    const { token, serverSide, established, subflows } = one;
    const isWhole = subflows.some(({ initial }) => initial);
    return [
      `${token} ${path(one)}` +
      (isWhole ? ` ${serverSide} ${established}` : ""),
      ...subflows.map((subflow) => {
        const { locId, state, openedHere, backup, backupByPeer } = subflow;
        const remId = state === "established" ? subflow.remId : "";
        return `${token} ${path(subflow)} ${locId} ${remId} ${state} ` +
          `${openedHere} ${backup} ${backupByPeer} ${subflow.ifIndex}`;
      }),
    ];
  }).toSorted();
}

/** What there is. */
export function seenLines(connections: Iterable<Connection>): string[] {
  return [...connections].flatMap(({ token, local, remote, subflows }) => {
    const first = subflows.find(({ initial }) => initial);
    const established = first?.flags.includes("fully-established");
    return [
      `${token} ${path({ local, remote })}` +
      (first ? ` ${!first.openedHere} ${established}` : ""),
      ...subflows.flatMap((subflow) => {
        const { local, remote, openedHere, flags, ifIndex } = subflow;
        const [state, remId] = subflow.state === "syn-sent"
          ? ["opening", ""]
          : [subflow.state, remote.id];
        return `${token} ${path(subflow)} ${local.id} ${remId} ${state} ` +
          `${openedHere} ${flags.includes("bkup-loc")} ` +
          `${flags.includes("bkup-rem")} ${ifIndex}`;
      }),
    ];
  }).toSorted();
}

function path(
  { local, remote }: {
    readonly local: SubflowAddress;
    readonly remote: SubflowAddress;
  },
): string {
  return `${local.address}:${local.port}>${remote.address}:${remote.port}`;
}
