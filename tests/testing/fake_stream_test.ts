/** Connections that a process makes in a fake kernel. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Diag } from "../../diag/mod.ts";
import { SyscallError } from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";

const TO = { address: "192.0.2.7", port: 443 };

/** What `Diag` sees: connections, those that fell back, and plain TCP. */
function seen(kernel: FakeKernel): number[] {
  using diag = Diag.open({ namespace: kernel });
  const all = [...diag.connections()];
  return [
    all.length,
    all.filter(({ fallback }) => fallback).length,
    diag.tcp().length,
  ];
}

Deno.test("a stream of a `FakeKernel` is a connection until it is closed", async () => {
  const kernel = new FakeKernel();
  const rows = [
    [undefined, true, [1, 0, 0]],
    ["tcp", true, [1, 1, 0]],
    [undefined, false, [0, 0, 1]],
  ] as const;
  for (const [answer, isMptcp, expected] of rows) {
    kernel.network.dial = () => answer;
    const stream = kernel.stream(TO.address, isMptcp);
    stream.connect(TO);
    await stream.connected();
    assertEquals(seen(kernel), [...expected]);
    const isOpen = () =>
      [...kernel.connections.values()].some(({ established }) => established);
    assertEquals([isOpen(), stream.send(Uint8Array.of(13))], [false, 1]);
    assertEquals(isOpen(), isMptcp && answer === undefined);
    stream.close();
    stream.close();
    assertEquals(seen(kernel), [0, 0, 0]);
  }
});

Deno.test("a stream of a `FakeKernel` fails as on Linux", async () => {
  const kernel = new FakeKernel();
  kernel.interfaces = new FakeInterfaces();
  kernel.interfaces.addresses.push({ address: "10.0.1.1", dev: "eth1" });
  const codeOf = (action: () => unknown) => {
    const { syscall, code } = assertThrows(action, SyscallError);
    return `${syscall} ${code}`;
  };
  using stream = kernel.stream(TO.address, true);
  const from = (source: string, dev: string) => () =>
    stream.connect(TO, { source, dev });
  assertEquals(codeOf(from("10.0.1.1", "eth9")), "setsockopt ENODEV");
  assertEquals(codeOf(from("10.0.9.1", "eth1")), "bind EADDRNOTAVAIL");
  kernel.network.dial = () => 111;
  from("10.0.1.1", "eth1")();
  assertEquals(stream.local.address, "10.0.1.1");
  const { code } = await assertRejects(() => stream.connected(), SyscallError);
  assertEquals([code, seen(kernel)], ["ECONNREFUSED", [0, 0, 0]]);
  kernel.network.dial = () => "silent";
  const silent = kernel.stream(TO.address, true);
  silent.connect(TO);
  setTimeout(() => silent.close());
  await silent.connected();
  kernel.sysctls.set("enabled", "0");
  const open = () => kernel.stream(TO.address, true);
  assertEquals(codeOf(open), "socket ENOPROTOOPT");
  kernel.stream(TO.address, false).close();
  kernel.hasFamily = false;
  assertEquals(codeOf(open), "socket EPROTONOSUPPORT");
  const none = new FakeNamespace(() => []);
  assertEquals(
    codeOf(() => none.stream(TO.address, true)),
    "socket EPROTONOSUPPORT",
  );
});

Deno.test("a `FakeKernel` knows hosts by their names, and addresses", async () => {
  const kernel = new FakeKernel();
  kernel.hosts.set("example.org", ["2001:db8::7", TO.address]);
  assertEquals(await kernel.resolve("example.org"), [
    "2001:db8::7",
    TO.address,
  ]);
  assertEquals(await kernel.resolve("2001:DB8::7"), ["2001:db8::7"]);
  await assertRejects(
    () => kernel.resolve("example.com"),
    Error,
    'Cannot look up "example.com": there is no host of this name (EAI_NONAME)',
  );
});
