import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FakeKernel, FakeNamespace } from "../../testing/mod.ts";

const EVENTS = 9;
const request = Uint8Array.of(1, 2, 3);

Deno.test("each transport gets its own answers, and overwrites the datagram before", () => {
  const namespace = new FakeNamespace((request, transport) => [
    Uint8Array.of(request[0]!, transport.protocol),
    undefined,
    request,
  ]);
  const [one, other] = [namespace.open(16), namespace.open(4)];
  one.send(request);
  other.send(Uint8Array.of(7));
  const first = one.receive();
  assertEquals(first, Uint8Array.of(1, 16));
  // What comes later is waited for.
  assertEquals([one.receive(), one.wait(5), one.wait(6)], [
    undefined,
    true,
    true,
  ]);
  assertEquals(one.receive(), request);
  assertEquals(first, Uint8Array.of(1, 2));
  assertEquals([one.receive(), one.wait(7)], [undefined, false]);
  assertEquals(other.receive(), Uint8Array.of(7, 4));
  assertEquals(namespace.waits, [5, 6, 7]);
  assertEquals(namespace.sent, [request, Uint8Array.of(7)]);
  assertEquals(namespace.unread.length, 2);
  other.close();
  assertEquals(namespace.unread, []);
});

Deno.test("a transport throws an error that is delivered", () => {
  const failure = new Error("on purpose");
  const transport = new FakeNamespace(() => [failure, request]).open(16);
  transport.send(request);
  assertStrictEquals(assertThrows(() => transport.receive()), failure);
  assertEquals(transport.receive(), request);
});

Deno.test("`distort` changes the answers of all transports", () => {
  const namespace = new FakeNamespace(() => [request]);
  namespace.distort = (answer, request) => [...answer, request.slice(0, 1)];
  for (const transport of [namespace.open(16), namespace.open(16)]) {
    transport.send(request);
    assertEquals(transport.receive(), request);
    assertEquals(transport.receive(), request.slice(0, 1));
  }
});

Deno.test("a namespace knows devices, sysctls and other files", () => {
  const namespace = new FakeNamespace(() => []);
  namespace.devices.set("eth0", 7);
  assertEquals(["eth0", "eth1"].map((name) => namespace.ifNameToIndex(name)), [
    7,
    undefined,
  ]);
  assertEquals([7, 8].map((index) => namespace.ifIndexToName(index)), [
    "eth0",
    undefined,
  ]);
  const sysctl = "/proc/sys/net/mptcp/enabled";
  namespace.writeFile(sysctl, "0");
  assertEquals(namespace.sysctls.get("enabled"), "0");
  assertEquals(namespace.readFile(sysctl), "0\n");
  assertEquals(namespace.readFile(`${sysctl}2`), undefined);
  const path = "/proc/thread-self/net/netstat";
  assertEquals(namespace.readFile(path), undefined);
  namespace.files.set(path, "MPTcpExt:");
  assertEquals(namespace.readFile(path), "MPTcpExt:");
  namespace.links.set("/proc/7/fd/3", "socket:[9]");
  assertEquals(
    ["/proc/sys/net/mptcp", "/proc/thread-self/", "/proc", "/proc/7", "/sys"]
      .map((path) => namespace.listDirectory(path)),
    [
      [...namespace.sysctls.keys()],
      ["net"],
      ["sys", "thread-self", "7"],
      ["fd"],
      undefined,
    ],
  );
  assertEquals(namespace.readLink("/proc/7/fd/3"), "socket:[9]");
  assertEquals(namespace.readLink("/proc/7/fd/4"), undefined);
  namespace.writeFile(path, "other");
  assertEquals(namespace.files.get(path), "other");
});

Deno.test("nothing that is closed can be used", () => {
  const kernel = new FakeKernel();
  const transport = kernel.open(16);
  const subscription = kernel.subscribe(16, [EVENTS]);
  for (const one of [transport, subscription, kernel]) {
    one[Symbol.dispose]();
    one.close();
  }
  const uses: (() => unknown)[] = [
    () => transport.send(request),
    () => transport.receive(),
    () => transport.wait(0),
    () => subscription.receive(),
    () => kernel.open(16),
    () => kernel.subscribe(16, [EVENTS]),
    () => kernel.readFile("/proc/sys/net/mptcp/enabled"),
    () => kernel.listDirectory("/proc"),
    () => kernel.readLink("/proc/self"),
    () => kernel.writeFile("/proc/sys/net/mptcp/enabled", "0"),
    () => kernel.ifNameToIndex("lo"),
    () => kernel.ifIndexToName(1),
  ];
  for (const use of uses) assertThrows(use, Error, "after close");
});

Deno.test("`emit()` delivers to the members of a group, or to all", () => {
  const namespace = new FakeNamespace(() => []);
  const groups = [[EVENTS], [4], [4, EVENTS]];
  const subscriptions = groups.map((one) => namespace.subscribe(16, one));
  namespace.emit(Uint8Array.of(1), EVENTS);
  namespace.emit(Uint8Array.of(2), 4);
  namespace.emit(Uint8Array.of(3));
  const received = subscriptions.map((subscription) => {
    const bytes: number[] = [];
    for (let one; (one = subscription.receive()) !== undefined;) {
      bytes.push(one[0]!);
    }
    return bytes;
  });
  assertEquals(received, [[1, 3], [2, 3], [1, 2, 3]]);
});

Deno.test("a subscription that is closed gets nothing, and wakes what waits", async () => {
  const namespace = new FakeNamespace(() => []);
  const subscription = namespace.subscribe(16, [EVENTS]);
  const both = [subscription.readable(), subscription.readable()];
  namespace.emit(Uint8Array.of(1));
  await Promise.all([...both, subscription.readable()]);
  assertEquals(subscription.receive(), Uint8Array.of(1));
  assertEquals(subscription.receive(), undefined);
  const waiting = subscription.readable();
  subscription.close();
  await waiting;
  await subscription.readable();
  namespace.emit(Uint8Array.of(2));
  assertThrows(() => subscription.receive(), Error, "after close");
});

Deno.test("a subscription overwrites the datagram that came before", () => {
  const namespace = new FakeNamespace(() => []);
  const subscription = namespace.subscribe(16, [EVENTS]);
  for (const byte of [1, 2]) namespace.emit(Uint8Array.of(byte));
  const first = subscription.receive();
  assertEquals(subscription.receive(), Uint8Array.of(2));
  assertEquals(first, Uint8Array.of(0xee));
});
