import type { Counters, Diag, InterfaceAddress, Link } from "../../diag/mod.ts";
import type { Endpoint, PathManager } from "../../mod.ts";
import type { Context } from "../context.ts";
import { type Command, command } from "../words/grammar.ts";
import {
  type ConnectionCount,
  type SinceBoot,
  type Status,
  statusJson,
  statusText,
} from "./status_output.ts";

/** `mptcp status` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Show on one screen how Multipath TCP is set and used",
    operands: {},
    async run(context) {
      const status = await readStatus(context);
      return {
        text: statusText(status, context.screen),
        isPainted: true,
        json: statusJson(status),
      };
    },
  }),
];

/** Reads each part by itself: one that cannot be read hides no other. */
async function readStatus(context: Context): Promise<Status> {
  const unknown: Record<string, string> = {};
  let first: Error | undefined;
  function part<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      first ??= error;
      unknown[name] = error.message.replaceAll(/\s*\n\s*/g, "; ");
      return undefined;
    }
  }
  const diag = await context.diag();
  let opened: PathManager | undefined;
  const pm = () => opened ??= context.pm();
  let read: Devices | undefined;
  const devices = () =>
    read ??= { addresses: diag.addresses(), links: diag.links() };
  const status = {
    kernel: part("kernel", () => diag.kernelRelease()),
    settings: part("settings", () => diag.settings()),
    listeners: part("event_listeners", () => diag.eventListeners()),
    limits: part("limits", () => pm().getLimits()),
    endpoints: part("endpoints", () => pm().dumpAddrs())?.map((endpoint) => ({
      ...endpoint,
      advice: part(
        "endpoint_advice",
        () =>
          pm().endpointAdvice(endpoint) ?? deviceAdvice(devices(), endpoint),
      ),
    })),
    connections: part("connections", () => countConnections(diag)),
    sinceBoot: part("since_boot", () => sinceBoot(diag.counters())),
    managers: part("managers", () => diag.managers()),
    unknown,
  };
  // Such as no namespace at all.
  const { unknown: _, ...parts } = status;
  const isEmpty = Object.values(parts).every((one) => one === undefined);
  if (isEmpty) throw first;
  return status;
}

interface Devices {
  readonly addresses: readonly InterfaceAddress[];
  readonly links: readonly Link[];
}

/** Why nothing passes the device, or the address cannot be used yet. */
function deviceAdvice(
  { addresses, links }: Devices,
  { address, ifIndex }: Endpoint,
): string | undefined {
  const own = addresses.find((one) =>
    one.address === address && (ifIndex === 0 || one.ifIndex === ifIndex)
  );
  if (own?.failed) return `${address} is used by another host, too`;
  if (own?.tentative) return `${address} is not ready yet (tentative)`;
  const index = own?.ifIndex ?? ifIndex;
  const link = links.find((link) => link.ifIndex === index);
  if (link === undefined || link.usable) return undefined;
  if (!link.flags.includes("up")) {
    return `${link.dev} is down: nothing passes it`;
  }
  return link.carrier === false
    ? `${link.dev} has no carrier: nothing passes it`
    : undefined;
}

function countConnections(diag: Diag): ConnectionCount {
  const count = {
    total: 0,
    established: 0,
    fallback: 0,
    subflows: 0,
    subflowsOpening: 0,
    partial: 0,
  };
  for (const { state, fallback, subflows, partial } of diag.connections()) {
    count.total++;
    if (state === "established") count.established++;
    if (fallback) count.fallback++;
    if (partial) count.partial++;
    count.subflows += subflows.length;
    for (const subflow of subflows) {
      if (subflow.state === "syn-sent") count.subflowsOpening++;
    }
  }
  return count;
}

/** The counters that say so, by what they have in common. */
function sinceBoot(counters: Counters): SinceBoot {
  const sum = (...names: readonly string[]) =>
    names.reduce((sum, name) => sum + (counters[name] ?? 0), 0);
  // Linux 6.12 began to count those.
  const ifCounted = (...names: readonly string[]) =>
    names.some((name) => counters[name] !== undefined)
      ? sum(...names)
      : undefined;
  return {
    fallbacks: sum(
      "MPCapableFallbackSYNACK",
      "MPCapableFallbackACK",
      "MPCapableSYNTXDrop",
      "MPCapableDataFallback",
      "DssFallback",
      "DSSCorruptionFallback",
      "InfiniteMapTx",
      "MD5SigFallback",
      "SimultConnectFallback",
      "MPFallbackTokenInit",
    ),
    joinsSent: ifCounted("MPJoinSynTx"),
    joinsAnswered: sum("MPJoinSynAckRx"),
    joinsNotSent: ifCounted(
      "MPJoinSynTxCreatSkErr",
      "MPJoinSynTxBindErr",
      "MPJoinSynTxConnectErr",
    ),
    joinsAccepted: sum("MPJoinAckRx"),
    joinsRefused: sum(
      "MPJoinNoTokenFound",
      "MPJoinAckHMacFailure",
      "MPJoinRejected",
    ),
  };
}
