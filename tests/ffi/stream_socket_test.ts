/** Connections of this process, and what becomes of them when calls fail. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import type { FakeDial } from "../../testing/fake_stream.ts";
import { libc, restart } from "../helpers/fake_libc.ts";
import {
  arm,
  CONNECTING,
  disarm,
  type Hit,
  isHarmless,
  type Result,
  settle,
  sweep,
  thrownBy,
} from "../helpers/faults.ts";

const NAME = "example.org";
const ADDRESSES = ["2001:db8::1", "192.0.2.1"];
const PLACES = [undefined, "blue"];

/** All that a connection is: looked up, made, used, closed. */
async function live(namespace: NetworkNamespace): Promise<string> {
  const [, address] = await namespace.resolve(NAME);
  using stream = namespace.stream(address!, true);
  const to = { address: address!, port: 443 };
  stream.connect(to, { source: "10.0.0.1", dev: "eth1" });
  await stream.connected();
  const { address: from } = stream.local;
  return `${from}: ${stream.send(Uint8Array.of(13))}`;
}

interface Lived extends Result {
  readonly outcome: string;
}

/** The outcome while calls fail, after which nothing is open. */
async function outcomeOf(
  netns: string | undefined,
  faults: Parameters<typeof arm>[0],
  what: string,
): Promise<Lived> {
  restart();
  libc.kernel.hosts.set(NAME, ADDRESSES);
  const namespace = NetworkNamespace.open(netns);
  const uses = arm(faults);
  const outcome = await live(namespace).catch(String);
  disarm();
  // What would have come home with the next call.
  await live(namespace).catch(String);
  assertEquals(libc.netns, "home", what);
  namespace.close();
  await settle();
  assertEquals([...libc.fds.values()], [], what);
  assertEquals(libc.memory.size, 0, what);
  return { uses, outcome };
}

function check(result: Lived, clean: Lived, hits: Hit[], what: string): void {
  // A thread of the pool cannot tell errno.
  const harmful = hits.filter((hit) => !isHarmless(...hit));
  if (harmful.length === 0) {
    const sent = /: [01]$/;
    assertEquals(
      result.outcome.replace(sent, ""),
      clean.outcome.replace(sent, ""),
      what,
    );
    return;
  }
  const isTold = harmful.some(([use, code]) =>
    use === "getaddrinfoAside" && code !== "no thread"
      ? /^MptcpError: Cannot look up "example.org"/.test(result.outcome)
      : thrownBy(use, code).test(result.outcome)
  );
  assert(isTold, `${what}: ${result.outcome}`);
}

for (const netns of PLACES) {
  Deno.test(`a connection in namespace ${netns ?? "home"} says which call failed, and leaks nothing`, () =>
    sweep((faults, what) => outcomeOf(netns, faults, what), check));
}

Deno.test("a connection uses all that only connections need", async () => {
  const uses = [
    ...(await outcomeOf(undefined, [], "")).uses,
    ...(await outcomeOf("blue", [], "")).uses,
  ];
  assertEquals(CONNECTING.filter((use) => !uses.includes(use)), []);
});

Deno.test("a socket is opened where it is asked for, and bound before it connects", async () => {
  for (const netns of PLACES) {
    restart();
    using namespace = NetworkNamespace.open(netns);
    for (const isMptcp of [true, false]) {
      const dials: FakeDial[] = [];
      libc.kernel.network.dial = (dial) => void dials.push(dial);
      using stream = namespace.stream("fd00::2", isMptcp);
      const to = { address: "fd00::2", port: 8080 };
      const from = { source: "fd00::1", dev: "eth2" };
      stream.connect(to, from);
      await stream.connected();
      assertEquals(dials, [{ to, ...from, isMptcp }]);
      assertEquals(
        libc.opened.at(-1)!.replace("eventfd", libc.opened.at(-2)!),
        `${isMptcp ? "MPTCP" : "TCP"} socket in ${netns ?? "home"}`,
      );
    }
  }
});

Deno.test("`connected()` tells what became of it, and ends when it is closed", async () => {
  restart();
  using namespace = NetworkNamespace.open();
  const to = { address: "10.0.0.2", port: 81 };
  libc.kernel.network.dial = () => 111;
  const refused = namespace.stream(to.address, true);
  refused.connect(to);
  const error = await assertRejects(() => refused.connected(), SyscallError);
  assertEquals(
    error.message,
    "Cannot connect to 10.0.0.2 port 81: Connection refused " +
      "(connect: ECONNREFUSED)",
  );
  refused.close();
  libc.kernel.network.dial = () => "silent";
  const silent = namespace.stream(to.address, true);
  silent.connect(to);
  const waits = [silent.connected(), silent.connected()];
  await settle();
  silent.close();
  silent.close();
  await Promise.all(waits);
  await silent.connected();
  await settle();
  assertEquals([...libc.fds.values()], []);
  assertThrows(() => silent.local);
});

Deno.test("`resolve()` gives each address once, or says why there is none", async () => {
  for (const netns of PLACES) {
    restart();
    using namespace = NetworkNamespace.open(netns);
    const { kernel: { hosts } } = libc;
    hosts.set(NAME, [...ADDRESSES, ADDRESSES[0]!]);
    assertEquals(await namespace.resolve(NAME), ADDRESSES);
    hosts.set("nothing", []);
    assertEquals(await namespace.resolve("nothing"), []);
    const rows = [
      [
        "example.com",
        'Cannot look up "example.com": there is no host of this name (EAI_NONAME)',
      ],
      ["", 'Invalid host "": a name or an address is needed'],
      ["a\0b", 'Invalid host "a\\u0000b": a name or an address is needed'],
    ] as const;
    for (const [name, message] of rows) {
      const error = await assertRejects(() => namespace.resolve(name), Error);
      assertEquals(error.message, message);
    }
    assertEquals(libc.memory.size, 0);
    namespace.close();
    await assertRejects(
      () => namespace.resolve(NAME),
      Deno.errors.BadResource,
      "The network namespace is closed",
    );
  }
});
