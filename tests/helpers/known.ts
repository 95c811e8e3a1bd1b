/**
 * What is known of connections, in lines that can be compared: by following
 * events, and by looking.
 *
 * @module
 */

import type { Connection } from "../../diag/mod.ts";
import type { SubflowAddress } from "../../mod.ts";
import type { KnownConnection } from "../../ops/known_connections.ts";

interface Line {
  readonly local: SubflowAddress;
  readonly remote: SubflowAddress;
  readonly locId: number;
  readonly remId: number;
  readonly backup: boolean;
}

/** What the events have shown. */
export function knownLines(known: Iterable<KnownConnection>): string[] {
  return [...known].flatMap((one) => lines({ ...one, open: one.subflows }))
    .toSorted();
}

/** What is there. */
export function presentLines(present: Iterable<Connection>): string[] {
  return [...present].flatMap(({ token, local, remote, subflows }) =>
    lines({
      ...{ token, local, remote },
      serverSide: subflows.some(({ initial, openedHere }) =>
        initial && !openedHere
      ),
      established: subflows.some(({ flags }) =>
        flags.includes("fully-established")
      ),
      open: subflows.filter(({ state }) => state === "established")
        .map(({ local, remote, flags }) => ({
          ...{ local, remote, locId: local.id, remId: remote.id },
          backup: flags.includes("bkup-rem"),
        })),
    })
  ).toSorted();
}

/** What its initial subflow shows is left out once that has ended. */
function lines(
  { token, local, remote, serverSide, established, open }: {
    readonly token: number;
    readonly local: SubflowAddress;
    readonly remote: SubflowAddress;
    readonly serverSide: boolean;
    readonly established: boolean;
    readonly open: readonly Line[];
  },
): string[] {
  const path = `${text(local)} > ${text(remote)}`;
  const isWhole = open.some(({ local, remote }) =>
    path === `${text(local)} > ${text(remote)}`
  );
  const side = serverSide ? " accepted" : " opened";
  return [
    `${token} ${path}${isWhole ? side : ""}` +
    (isWhole && established ? " established" : ""),
    ...open.map(({ local, remote, locId, remId, backup }) =>
      `${token} ${text(local)} id ${locId} > ${text(remote)} id ${remId}` +
      (backup ? " backup" : "")
    ),
  ];
}

function text({ address, port }: SubflowAddress): string {
  return `${address}:${port}`;
}
