/**
 * What `Diag.networkChanges()` says when the network changes: the running kernel
 * and the fake one are changed alike, and tell the same.
 */
import { assertEquals } from "@std/assert";
import { Diag, type NetworkChange } from "../../diag/mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, until } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";

/**
 * Names a change and what is told of it, and does it to the running kernel and
 * to the fake one.
 */
type Change = readonly [
  name: string,
  told: readonly NetworkChange[],
  real: (host: Host, peer: Host) => void,
  fake: (interfaces: FakeInterfaces, devices: Map<string, number>) => void,
];

const ip = (...args: string[]) => (host: Host) => void host.ip(...args);

function remove<T>(list: T[], isGone: (value: T) => boolean): void {
  list.splice(list.findIndex(isGone), 1);
}

const CHANGES: readonly Change[] = [
  [
    "an IPv4 address is added",
    ["address", "route"],
    ip("address", "add", "10.0.3.1/24", "dev", "client1"),
    ({ addresses }) => addresses.push({ address: "10.0.3.1", dev: "client1" }),
  ],
  [
    "an IPv6 address is added",
    ["address", "route"],
    ip("address", "add", "fd03::1/64", "dev", "client1", "nodad"),
    ({ addresses }) => addresses.push({ address: "fd03::1", dev: "client1" }),
  ],
  [
    "an address is removed",
    ["address", "route"],
    ip("address", "delete", "10.0.3.1/24", "dev", "client1"),
    ({ addresses }) =>
      remove(addresses, ({ address }) => address === "10.0.3.1"),
  ],
  [
    "a route is added",
    ["route"],
    ip("route", "add", "10.9.0.0/24", "via", "10.77.1.2"),
    ({ routes }) =>
      routes.push({ to: "10.9.0.0/24", via: "10.77.1.2", dev: "client1" }),
  ],
  [
    "a carrier is lost",
    ["link"],
    (_, peer) => peer.ip("link", "set", "server1", "down"),
    ({ links }) =>
      links.set("client1", { flags: ["up", "broadcast", "multicast"] }),
  ],
  [
    "a carrier comes back",
    ["link"],
    (_, peer) => peer.ip("link", "set", "server1", "up"),
    ({ links }) => links.delete("client1"),
  ],
  [
    "a link is set down",
    ["address", "link", "route"],
    ip("link", "set", "client1", "down"),
    ({ links }) => links.set("client1", { flags: ["broadcast", "multicast"] }),
  ],
  [
    "a device is deleted",
    ["address", "link", "route"],
    ip("link", "delete", "client2"),
    (_, devices) => devices.delete("client2"),
  ],
];

/** What is told of each change, each kind once, and what is there then. */
async function record(
  diag: Diag,
  change: (one: Change) => void,
  calmMs: number,
): Promise<Record<string, unknown>> {
  let count = 0;
  let told = new Set<NetworkChange>();
  const changes = diag.networkChanges();
  const reader = (async () => {
    for await (const one of changes) {
      told.add(one);
      count++;
    }
  })();
  const found: Record<string, unknown> = {};
  for (const one of CHANGES) {
    // What a worker of the kernel says of the change before comes first.
    await calm(() => count, calmMs);
    told = new Set();
    change(one);
    const [name, expected] = one;
    await until(
      () => expected.every((kind) => told.has(kind)),
      `the kernel to say that ${name}`,
    );
    await calm(() => count, calmMs);
    found[name] = [
      [...told].toSorted(),
      diag.links().map(({ dev, usable }) => [dev, usable]),
      diag.addresses().map(({ address }) => address)
        .filter((address) => !/^(fe80:|127\.|::1$)/.test(address)).toSorted(),
    ];
  }
  changes.close();
  await reader;
  return found;
}

/** Settles when nothing is told for a while. */
async function calm(count: () => number, ms: number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

liveTest(
  "the fake kernel tells of changes of the network as Linux does",
  async () => {
    using lab = Lab.open({ paths: 2 });
    const { client, server } = lab;
    client.sysctl("net.ipv6.conf.client1.keep_addr_on_down", 0);
    client.sysctl("net.ipv6.conf.client2.keep_addr_on_down", 0);
    using real = Diag.open({ netns: client.netns });

    const kernel = new FakeKernel();
    const interfaces = kernel.interfaces = new FakeInterfaces();
    kernel.devices.clear();
    for (const [name, index] of [["lo", 1], ["client1", 11], ["client2", 12]]) {
      kernel.devices.set(name as string, index as number);
    }
    for (const path of [1, 2]) {
      for (const address of [client.address(path), client.address6(path)]) {
        interfaces.addresses.push({ address, dev: client.dev(path) });
      }
    }
    using fake = Diag.open({ namespace: kernel });

    const told = await record(
      real,
      ([, , change]) => change(client, server),
      200,
    );
    assertEquals(
      await record(
        fake,
        ([, , , change]) =>
          kernel.changeNetwork((interfaces) =>
            change(interfaces, kernel.devices)
          ),
        20,
      ),
      told,
    );
    assertEquals(
      Object.values(told).map((found) => (found as [string[]])[0]),
      CHANGES.map(([, expected]) => [...expected] as string[]),
    );
  },
);

liveTest(
  "it says that messages were lost, and ends with its `Diag`",
  async () => {
    const kernel = new FakeKernel();
    kernel.privileged = false;
    kernel.interfaces = new FakeInterfaces();
    const diag = Diag.open({ namespace: kernel });
    const changes = diag.networkChanges();
    kernel.emitOverrun();
    assertEquals(await changes.next(), { value: "overrun", done: false });
    const next = changes.next();
    diag.close();
    assertEquals(await next, { value: undefined, done: true });
    assertEquals(kernel.subscriptions.map(({ closed }) => closed), [true]);
  },
);
