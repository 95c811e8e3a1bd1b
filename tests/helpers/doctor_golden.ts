/**
 * What the doctor read of the hosts in tests/helpers/host_faults.ts.
 *
 * @module
 */

import { parseSnapshot, type Snapshot } from "../../doctor/mod.ts";
import type { HostState } from "./host_faults/scene.ts";

const FOLDER = new URL("../golden/doctor/", import.meta.url);

/** Where a snapshot is. */
export function snapshotFile({ name }: HostState): URL {
  return new URL(`${name.replaceAll(/\W+/g, "_")}.json`, FOLDER);
}

/** The names of the files that are there. */
export function snapshotFiles(): string[] {
  return Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).toSorted();
}

/** What was read of a host in that state. */
export function goldenSnapshot(state: HostState): Snapshot {
  return parseSnapshot(Deno.readTextFileSync(snapshotFile(state)));
}
