/** Plans between random configurations, done by the fake kernel. */
import { assert, assertEquals } from "@std/assert";
import { apply, goBack } from "../../config/apply.ts";
import type { Governs } from "../../config/config.ts";
import { configOf } from "../../config/export.ts";
import { type Contents, plan } from "../../config/plan.ts";
import { readState } from "../../config/state.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";
import { generatorAt, type Random } from "../helpers/random.ts";
import { ConfigGenerator, type HostNames } from "../helpers/random_config.ts";

const HOST: HostNames = {
  addresses: [
    ...["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.0.1.2", "10.0.2.1"],
    ...["::ffff:10.0.1.1", "fd00::1", "fd00:1::1", "192.0.2.7", "10.0.1.9"],
  ],
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
  for (const address of HOST.addresses.slice(0, 5)) {
    addresses.push({ address, dev: `eth${address.split(".")[2]}` });
  }
  addresses.push({ address: "10.0.1.9", dev: "eth1", flags: ["deprecated"] });
  addresses.push({ address: "fd00::1", dev: "eth0" });
  addresses.push({ address: "fd00:1::1", dev: "eth1" });
  return kernel;
}

/** What a kernel has, but implicit endpoints; with or without ids. */
function contents(
  { endpoints, limits, settings }: Contents,
  hasIds = false,
) {
  return {
    endpoints: endpoints.filter(({ flags }) => !flags.includes("implicit"))
      .map(({ address, port, id, flags, ifIndex }) =>
        JSON.stringify({ address, port, flags, ifIndex, ...hasIds && { id } })
      ).toSorted(),
    limits,
    settings,
  };
}

/** Goes from one configuration to another, and returns in how many steps. */
function check(random: Random, governs: Governs, kernel: FakeKernel): number {
  const at = { namespace: kernel };
  const prune = { prune: true };
  const now = (hasIds?: boolean) =>
    contents({
      endpoints: kernel.endpoints(),
      limits: { ...kernel.limits },
      settings: Object.fromEntries(kernel.sysctls),
    }, hasIds);
  const generator = new ConfigGenerator(random, HOST);
  const [a, b] = [generator.config(governs), generator.config(governs)];
  apply(plan(a, readState(at), prune), at);
  const hasImplicit = random(4) === 0;
  if (hasImplicit) kernel.addImplicit(HOST.addresses[random(5)]!);
  const start = readState(at);

  // What there is, exported, is what there is.
  assertEquals(plan(configOf(start), start, prune).steps, []);

  const whole = plan(b, start, prune);
  const { undo, differences } = apply(whole, at);
  const end = readState(at);
  assertEquals(differences, []);
  assertEquals(contents(end), contents(whole.after));
  for (const one of b.endpoints!) {
    if ("match" in one) continue;
    const { dev, flags } = one;
    const found = end.endpoints.find(({ address, port }) =>
      address === one.address && port === (one.port ?? 0)
    )!;
    assertEquals(
      { dev, flags: flags.toSorted(), id: one.id ?? found.id },
      { dev: found.dev, flags: found.flags.toSorted(), id: found.id },
    );
  }
  assertEquals({ ...end.limits, ...b.limits }, end.limits);
  assertEquals({ ...end.settings, ...b.settings }, end.settings);
  // Once more, there is nothing to do.
  assertEquals(plan(b, end, prune).steps, []);

  // All of it can be taken back.
  assertEquals(goBack(undo, at), []);
  assertEquals(now(true), contents(start, true));

  // Killed after each step, and run again.
  for (let length = 0; length < whole.steps.length; length++) {
    // Only the kernel itself makes an implicit endpoint again.
    const again = hasImplicit ? plan(b, readState(at), prune) : whole;
    const steps = again.steps.slice(0, length);
    const first = apply({ ...again, steps }, at);
    const rest = apply(plan(b, readState(at), prune), at);
    assertEquals(now(), contents(end));
    assertEquals(goBack([...rest.undo, ...first.undo], at), []);
  }
  return whole.steps.length;
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
        steps += check(random, governs, kernelOf());
      } catch (cause) {
        throw new Error(`pair ${index}: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
    assert(steps > 2 * pairs, `${steps} steps only`);
  });
}
