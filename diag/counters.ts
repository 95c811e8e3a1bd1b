import { ProtocolError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";
import { COUNTER_DOCS, counterDoc, type CounterGroup } from "./counter_docs.ts";

/**
 * Counters by the kernel's names, as `nstat` prints them behind `MPTcpExt` and
 * the like. One that the running kernel lacks is absent; those of `MPTcpExt`
 * that are not known to this library are there too. Exact up to 2⁵³.
 */
export interface Counters {
  /** What was counted, or with a gauge what there is now. */
  readonly [name: string]: number | undefined;
}

const FOLDER = "/proc/thread-self/net/";

/** The files, and the lines in them that are read. */
const FILES: readonly (readonly [string, readonly CounterGroup[]])[] = [
  ["netstat", ["MPTcpExt", "TcpExt"]],
  ["snmp", ["Ip", "Tcp"]],
];

/** Reads the counters of a namespace, those of MPTCP first. */
export function readCounters(namespace: Namespace): Counters {
  const counters: Record<string, number> = {};
  for (const [file, groups] of FILES) {
    const text = namespace.readFile(`${FOLDER}${file}`);
    if (text === undefined) {
      throw new ProtocolError(
        `Cannot read counters: ${FOLDER}${file} cannot be seen here`,
      );
    }
    const lines = text.split("\n");
    for (const group of groups) {
      for (const [name, value] of pairs(lines, group)) {
        const isWanted = group === "MPTcpExt" ||
          Object.hasOwn(COUNTER_DOCS, name) &&
            counterDoc(name).group === group;
        if (isWanted) counters[name] = value;
      }
    }
  }
  return counters;
}

/** A line of names is followed by one of values. */
function pairs(
  lines: readonly string[],
  group: CounterGroup,
): (readonly [name: string, value: number])[] {
  const [names = [], values = []] = lines
    .filter((line) => line.startsWith(`${group}: `))
    .map((line) => line.split(" ").slice(1));
  if (
    names.length !== values.length ||
    values.some((value) => !/^-?\d+$/.test(value))
  ) {
    throw new ProtocolError(
      `Cannot read counters: ${names.length} names of ${group}, and ` +
        `"${values.join(" ")}"`,
    );
  }
  return names.map((name, index) => [name, Number(values[index])]);
}

/**
 * What was counted between two readings. If any counter went backwards, the
 * readings are of different boots or namespaces: then all has been counted since
 * zero. Gauges are as in the second reading.
 *
 * @param before The first reading.
 * @param after The second one: the result has its counters.
 *
 * @example Does the other address of the server answer?
 * ```ts
 * import { counterChanges, Diag } from "@mptcp/pm/diag";
 *
 * using diag = Diag.open();
 * const before = diag.counters();
 * // … and after a while:
 * const { MPJoinSynTx = 0, MPJoinSynAckRx = 0 } = counterChanges(
 *   before,
 *   diag.counters(),
 * );
 * if (MPJoinSynTx > MPJoinSynAckRx) console.log("not to every subflow");
 * ```
 */
export function counterChanges(before: Counters, after: Counters): Counters {
  const isNew = Object.entries(after).some(([name, value = 0]) =>
    !counterDoc(name).isGauge && value < (before[name] ?? 0)
  );
  return Object.fromEntries(
    Object.entries(after).map(([name, value = 0]) => [
      name,
      isNew || counterDoc(name).isGauge ? value : value - (before[name] ?? 0),
    ]),
  );
}
