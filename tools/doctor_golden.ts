/**
 * Records what the doctor reads of the hosts in tests/helpers/host_faults.ts:
 * of all, or of those that are named. Needs root.
 *
 * ```sh
 * deno task doctor-golden "no endpoint" "one path"
 * ```
 *
 * @module
 */

import { collect, snapshotJson } from "../doctor/mod.ts";
import { snapshotFile } from "../tests/helpers/doctor_golden.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../tests/helpers/host_faults.ts";
import { inEach } from "../tests/helpers/host_faults/scene.ts";

const all = [...HOST_FAULTS, ...HEALTHY_HOSTS];
for (const name of Deno.args) {
  if (!all.some((state) => state.name === name)) {
    throw new Error(`There is no host "${name}"`);
  }
}
const wanted = all.filter(({ name }) =>
  Deno.args.length === 0 || Deno.args.includes(name)
);
await inEach(wanted, async (state, { lab }) => {
  const snapshot = await collect({ netns: lab[state.where].netns });
  Deno.writeTextFileSync(snapshotFile(state), snapshotJson(snapshot));
});
