/** Plans between random configurations, done by the fake kernel. */
import { assert } from "@std/assert";
import type { Governs } from "../../config/config.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";
import { goThere } from "../helpers/plan_rounds.ts";
import { generatorAt } from "../helpers/random.ts";
import type { HostNames } from "../helpers/random_config.ts";

const ADDRESSES = [
  ...["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2", "10.0.2.1"],
  ...["::ffff:10.0.1.1", "fd00::1", "fd00:1::1", "192.0.2.7", "10.0.1.9"],
];
const NAMES: HostNames = {
  addresses: ADDRESSES,
  own: ADDRESSES,
  devices: ["eth0", "eth1", "eth2"],
  settings: {
    enabled: ["0", "1"],
    path_manager: ["kernel", "userspace"],
  },
  capacity: 8,
};

function kernelOf(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  const { addresses } = kernel.interfaces = new FakeInterfaces();
  for (const address of ADDRESSES.slice(0, 5)) {
    addresses.push({ address, dev: `eth${address.split(".")[2]}` });
  }
  addresses.push({ address: "10.0.1.9", dev: "eth1", flags: ["deprecated"] });
  addresses.push({ address: "fd00::1", dev: "eth0" });
  addresses.push({ address: "fd00:1::1", dev: "eth1" });
  return kernel;
}

const PAIRS: readonly [governs: Governs, pairs: number][] = [
  ["all", 500],
  [[[100, 140], [200, 255]], 100],
];
for (const [governs, pairs] of PAIRS) {
  Deno.test(`a plan from A leads to B, from half-way too, and back (${governs})`, () => {
    let steps = 0;
    for (let index = 0; index < pairs; index++) {
      const random = generatorAt(1, `plan ${governs}`, index);
      try {
        const kernel = kernelOf();
        steps += goThere(random, governs, {
          names: NAMES,
          at: { namespace: kernel },
          contents: () => ({
            endpoints: kernel.endpoints(),
            limits: { ...kernel.limits },
            settings: Object.fromEntries(kernel.sysctls),
          }),
          addImplicit: () => kernel.addImplicit(ADDRESSES[random(5)]!),
        });
      } catch (cause) {
        throw new Error(`pair ${index}: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
    assert(steps > 2 * pairs, `${steps} steps only`);
  });
}
