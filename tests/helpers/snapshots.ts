/**
 * Snapshots of real hosts, and what is made of them.
 *
 * @module
 */

import type { Snapshot } from "../../doctor/mod.ts";
import { goldenSnapshot } from "./doctor_golden.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "./host_faults.ts";

/** What can be changed. */
export type Draft<T> = T extends readonly (infer Item)[] ? Draft<Item>[]
  : T extends object ? { -readonly [Name in keyof T]: Draft<T[Name]> }
  : T;

/** All that were recorded, by the names of their hosts, and frozen. */
export const RECORDED: ReadonlyMap<string, Snapshot> = new Map(
  [...HOST_FAULTS, ...HEALTHY_HOSTS].map((state) => [
    state.name,
    frozen(goldenSnapshot(state)),
  ]),
);

/** Those of healthy hosts. */
export const HEALTHY: ReadonlyMap<string, Snapshot> = new Map(
  HEALTHY_HOSTS.map(({ name }) => [name, RECORDED.get(name)!]),
);

/** A value that nothing can change. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}

/**
 * Another snapshot, made of one by changes.
 *
 * @param from The name of the host.
 */
export function changed(
  from: string,
  change: (draft: Draft<Snapshot>) => void,
): Snapshot {
  const draft = structuredClone(RECORDED.get(from)!) as Draft<Snapshot>;
  change(draft);
  return frozen(draft);
}
