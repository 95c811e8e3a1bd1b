import type { PathManagerEvent } from "../../ops/event.ts";
import { demand } from "./target.ts";

/** `MPTCP_EVENT_*`. */
const TYPES = new Map<number, PathManagerEvent["type"]>([
  [1, "created"],
  [2, "established"],
  [3, "closed"],
  [6, "announced"],
  [7, "removed"],
  [10, "sub-established"],
  [11, "sub-closed"],
  [13, "sub-priority"],
  [15, "listener-created"],
  [16, "listener-closed"],
]);

/** Demands that an event says what its attributes say. */
export function demandEvent(
  event: PathManagerEvent,
  cmd: number,
  payloadOf: (key: string) => Uint8Array | undefined,
): void {
  if (event.type === "unknown") {
    demand(event.cmd === cmd, "another number");
    return;
  }
  demand(event.type === TYPES.get(cmd), `${event.type} of number ${cmd}`);
  const check = (key: string, value: number) => {
    const bytes = payloadOf(key) ?? Uint8Array.of(0);
    const ordered = /port$/.test(key) ? bytes.toReversed() : bytes;
    const number = ordered.reduceRight((sum, byte) => sum * 256 + byte, 0);
    demand(number === value >>> 0, `${key} is ${value} instead of ${number}`);
  };
  if ("token" in event) {
    check("token", event.token);
    demand(event.token > 0, "no token");
  }
  if ("locId" in event) check("locId", event.locId);
  if ("remId" in event) check("remId", event.remId);
  if ("local" in event) check("sport", event.local.port);
  if ("remote" in event) check("dport", event.remote.port);
  if ("address" in event) check("dport", event.port);
  if ("flags" in event) check("flags", event.flags);
  if ("ifIndex" in event) check("ifIdx", event.ifIndex);
  if ("error" in event) check("error", event.error.errno);
  if ("reset" in event) {
    check("resetReason", event.reset.reason);
    check("resetFlags", event.reset.flags);
  }
}
