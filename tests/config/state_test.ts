import { assertEquals } from "@std/assert";
import { readState } from "../../config/state.ts";
import { PathManager } from "../../mod.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";

function kernelOf(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.interfaces = new FakeInterfaces();
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.1.1", id: 1, flags: ["subflow"] });
  pm.addAddr({ address: "10.0.2.1", id: 2, flags: ["subflow"] });
  pm.addAddr({ address: "10.0.1.1", id: 3, port: 80, flags: ["signal"] });
  return kernel;
}

const at = (address: string, port: number) => ({ address, port });

Deno.test("`readState()` counts what connections have from each endpoint", () => {
  const kernel = kernelOf();
  const inKernel = { pathManager: "kernel" } as const;
  // From the address of endpoint 1, which has id 0 there; and one more.
  const first = kernel.connect(1, { ...inKernel, local: at("10.0.1.1", 4001) });
  first.openSubflow({ local: at("10.0.2.1", 4002), locId: 2 });
  first.openSubflow({ local: at("10.0.2.1", 4003), locId: 2 });
  kernel.connect(2, { ...inKernel, local: at("::ffff:10.0.1.1", 4004) });
  // To the port of an endpoint.
  const third = kernel.connect(3, { ...inKernel, local: at("10.0.1.1", 4005) });
  third.openSubflow({ local: at("10.0.1.1", 80), locId: 3 });
  // From elsewhere; one fell back to TCP.
  const fourth = kernel.connect(4, { ...inKernel, local: at("10.0.9.1", 1) });
  fourth.openSubflow({ local: at("10.0.2.1", 4006), locId: 2 });
  kernel.connect(5, { ...inKernel, local: at("10.0.9.1", 2) })
    .set({ fallback: true });
  // Programs manage it: its ids are its own.
  kernel.connect(6, { local: at("10.0.1.1", 4007) })
    .openSubflow({ local: at("10.0.2.1", 4008), locId: 2 });

  const { carried, dependents, connections } = readState({ namespace: kernel });
  assertEquals(carried, [
    { id: 1, subflows: 3, connections: 3, initial: 3 },
    { id: 2, subflows: 3, connections: 2, initial: 0 },
    { id: 3, subflows: 1, connections: 1, initial: 0 },
  ]);
  assertEquals(dependents, [
    { ids: [1, 2], connections: 1 },
    { ids: [1, 3], connections: 1 },
    // An IPv6 socket.
    { ids: [1], connections: 1 },
  ]);
  assertEquals(connections, 4);
});

Deno.test("`readState()` says what it could not read, and reads the rest", () => {
  const kernel = kernelOf();
  kernel.files.set("/proc/2/comm", "kthreadd\n");
  assertEquals(readState({ namespace: kernel }).unknown, {});
  kernel.sockDiag.mptcp = false;
  kernel.files.delete("/proc/2/comm");
  const { unknown, carried, managers, endpoints, listeners } = readState({
    namespace: kernel,
  });
  assertEquals(Object.keys(unknown), ["connections", "managers"]);
  assertEquals([carried, endpoints.length], [[], 3]);
  assertEquals(managers, { found: [], seesAll: false });
  assertEquals(listeners, [{ address: "10.0.1.1", port: 80 }]);
});

Deno.test("`readState()` knows how much the kernel holds", () => {
  const rows: readonly [
    release: string,
    max: number,
    more: number,
    capacity: number,
  ][] = [
    ["6.18.44", 8, 0, 8],
    ["7.2.9-rc1", 8, 0, 8],
    ["7.3.0", 64, 0, 64],
    ["10.1", 64, 0, 64],
    // One that took the change over.
    ["6.12.99", 64, 6, 64],
  ];
  for (const [release, max, more, capacity] of rows) {
    const kernel = kernelOf();
    kernel.max = max;
    kernel.files.set("/proc/sys/kernel/osrelease", `${release}\n`);
    using pm = PathManager.open({ namespace: kernel });
    for (let at = 0; at < more; at++) {
      pm.addAddr({ address: `10.1.0.${at}`, flags: ["subflow"] });
    }
    const state = readState({ namespace: kernel });
    assertEquals([release, state.capacity], [release, capacity]);
    // It can be saved and read again.
    assertEquals(JSON.parse(JSON.stringify(state)), state);
  }
});
