import { assertEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import { fullmesh, manage, ndiffports, type Policy } from "../../policy/mod.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";

/** A host with three addresses on three devices. */
function openKernel() {
  const kernel = new FakeKernel();
  kernel.sysctls.set("path_manager", "userspace");
  const { addresses } = kernel.interfaces = new FakeInterfaces();
  for (const number of [0, 1, 2]) {
    addresses.push({ address: `10.0.${number}.1`, dev: `eth${number}` });
  }
  return { kernel, pm: PathManager.open({ namespace: kernel }) };
}

const local = { address: "10.0.0.1", port: 40000 };
const turn = () => new Promise((resolve) => setTimeout(resolve));

function paths(kernel: FakeKernel, token: number): string[] {
  return kernel.connections.get(token)!.subflows().map((one) =>
    `${one.local.address}#${one.locId} ${one.remote.address} ${one.ifIndex}`
  );
}

const READY: readonly [string, Policy, string[]][] = [
  ["fullmesh", fullmesh(), [
    "10.0.0.1#0 10.0.0.2 0",
    "10.0.0.1#0 10.0.9.2 2",
    "10.0.1.1#1 10.0.0.2 3",
    "10.0.1.1#1 10.0.9.2 3",
    "10.0.2.1#2 10.0.0.2 4",
    "10.0.2.1#2 10.0.9.2 4",
  ]],
  ["ndiffports", ndiffports({ subflows: 3 }), [
    "10.0.0.1#0 10.0.0.2 0",
    "10.0.0.1#0 10.0.0.2 2",
    "10.0.0.1#0 10.0.0.2 2",
  ]],
];
for (const [name, policy, expected] of READY) {
  Deno.test(`${name} makes its subflows, once`, async () => {
    const { kernel, pm } = openKernel();
    kernel.connect(5, { local });
    const managers = [manage(pm, policy), manage(pm, policy)];
    await turn();
    const remote = { address: "10.0.9.2", port: 443 };
    kernel.emitEvent("announced", { token: 5, remote, remId: 7 });
    await turn();
    assertEquals(paths(kernel, 5).toSorted(), expected);
    kernel.connect(6, { local, serverSide: true });
    await turn();
    assertEquals(paths(kernel, 6).length, 1);
    const states = [...managers[0]!.connections.get(5)!.subflows]
      .map(({ state }) => state);
    assertEquals(states, expected.map(() => "established" as const));
    for (const manager of managers) {
      manager.stop();
      await manager.finished;
    }
    pm.close();
  });
}
