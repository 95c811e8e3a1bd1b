/**
 * Fails transport call 1, 2, 3, … of each operation until it gets by without
 * reaching the fault.
 */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { NetlinkError, ProtocolError, SyscallError } from "../../ops/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import type { Subscription, Transport } from "../../ops/transport.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { attr, join, u32 } from "../../testing/netlink_bytes.ts";
import { HARMLESS } from "../support/distortions.ts";
import { golden } from "../support/golden.ts";

const TOKEN = 0x1234;
const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };

/** The calls of a transport, and of what hears events, that can fail. */
type Call = Exclude<
  keyof Transport | keyof Subscription,
  "close" | typeof Symbol.dispose
>;

/** What happens instead of a call; `proceed` does what should happen. */
type Fault = (call: Call, proceed: () => unknown) => unknown;

const FAILURE = new SyscallError("syscall", 5, "fail on purpose");

const garbage =
  (change: (datagram: Uint8Array) => Uint8Array): Fault => (call, proceed) => {
    const result = proceed();
    return call === "receive" && result instanceof Uint8Array
      ? change(result.slice())
      : result;
  };

const NEVER = "an answer that never comes";

const FAULTS: Readonly<Record<string, Fault>> = {
  "a system call that fails": () => {
    throw FAILURE;
  },
  [NEVER]: (call, proceed) =>
    call === "receive" ? undefined : call === "wait" ? false : proceed(),
  "a receipt of nothing": (call, proceed) =>
    call === "receive" ? undefined : proceed(),
  "an empty datagram": (call, proceed) =>
    call === "receive" ? new Uint8Array() : proceed(),
  "half a header": garbage((datagram) => datagram.subarray(0, 8)),
  "half a datagram": garbage((datagram) =>
    datagram.subarray(0, datagram.length / 2)
  ),
  "zeros": garbage((datagram) => datagram.fill(0)),
  "ones": garbage((datagram) => datagram.fill(0xff)),
  "garbage behind the headers": garbage((datagram) => datagram.fill(0xa5, 20)),
};

/** A transport that does something else instead of one call. */
class FaultyTransport implements Transport {
  readonly #kernel: FakeKernel;
  readonly #fault: Fault;
  #left = Infinity;
  #disarmed = true;

  constructor(kernel: FakeKernel, fault: Fault) {
    this.#kernel = kernel;
    this.#fault = fault;
  }

  /** Whether the call to fail has come. */
  get reached(): boolean {
    return this.#left <= 0;
  }

  /** Starts counting. */
  arm(nth: number): void {
    this.#left = nth;
    this.#disarmed = false;
  }

  disarm(): void {
    this.#disarmed = true;
  }

  #call<T>(call: Call, proceed: () => T): T {
    if (this.#disarmed || --this.#left > 0) return proceed();
    const isOnce = this.#fault !== FAULTS[NEVER];
    return isOnce && this.#left < 0
      ? proceed()
      : this.#fault(call, proceed) as T;
  }

  send(datagram: Uint8Array<ArrayBuffer>): void {
    this.#call("send", () => this.#kernel.send(datagram));
  }
  receive(): Uint8Array | undefined {
    return this.#call("receive", () => this.#kernel.receive());
  }
  wait(timeoutMs: number): boolean {
    return this.#call("wait", () => this.#kernel.wait(timeoutMs));
  }
  ifNameToIndex(name: string): number | undefined {
    return this.#call("ifNameToIndex", () => this.#kernel.ifNameToIndex(name));
  }
  ifIndexToName(index: number): string | undefined {
    return this.#call("ifIndexToName", () => this.#kernel.ifIndexToName(index));
  }
  subscribe(group: number): Subscription {
    const subscription = this.#call(
      "subscribe",
      () => this.#kernel.subscribe(group),
    );
    return {
      receive: () => this.#call("receive", () => subscription.receive()),
      readable: async () => {
        await this.#call("readable", () => subscription.readable());
      },
      ifIndexToName: (index) =>
        this.#call("ifIndexToName", () => subscription.ifIndexToName(index)),
      close: () => subscription.close(),
      [Symbol.dispose]: () => subscription.close(),
    };
  }
  readSysctl(name: string): string | undefined {
    return this.#call("readSysctl", () => this.#kernel.readSysctl(name));
  }
  writeSysctl(name: string, value: string): void {
    this.#call("writeSysctl", () => this.#kernel.writeSysctl(name, value));
  }
  close(): void {
    this.#kernel.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Two endpoints and a connection with a subflow. */
function fill(kernel: FakeKernel): void {
  // Not by `using`, which would close the kernel.
  const pm = PathManager.open({ transport: kernel });
  kernel.connect(TOKEN);
  pm.addAddr({ address: "10.0.0.1", dev: "eth1", flags: ["subflow"] });
  pm.addAddr({ address: "fd00::1", id: 9, flags: ["signal"] });
  pm.announce({ token: TOKEN, address: "10.0.0.9", id: 9 });
  pm.subflowCreate({ token: TOKEN, local: { ...local, id: 1 }, remote });
}

/** Each operation, in each form that calls the transport otherwise. */
const OPERATIONS: readonly ((pm: PathManager) => unknown)[] = [
  (pm) => pm.addAddr({ address: "10.0.0.3", dev: "eth2", flags: ["subflow"] }),
  (pm) => pm.addAddr({ address: "10.0.0.3", dev: 3 }),
  (pm) => pm.delAddr({ id: 9 }),
  (pm) => pm.delAddr({ address: "fd00::1" }),
  (pm) => pm.delAddr({ dev: "eth1" }),
  (pm) => pm.delAddr({ id: 0, address: "10.0.0.1" }),
  (pm) => pm.getAddr({ id: 1 }),
  (pm) => pm.getAddr({ id: 9, token: TOKEN }),
  (pm) => pm.dumpAddrs(),
  (pm) => pm.dumpAddrs({ token: TOKEN }),
  (pm) => pm.flushAddrs(),
  (pm) => pm.setLimits({ subflows: 5, addAddrAccepted: 4 }),
  (pm) => pm.getLimits(),
  (pm) => pm.setFlags({ id: 1, backup: true }),
  (pm) => pm.setFlags({ address: "10.0.0.1", fullmesh: true }),
  (pm) => pm.setFlags({ token: TOKEN, local, remote, backup: true }),
  (pm) => pm.announce({ token: TOKEN, address: "10.0.0.4", id: 4, dev: "lo" }),
  (pm) => pm.remove({ token: TOKEN, id: 9 }),
  (pm) =>
    pm.subflowCreate({ token: TOKEN, local: { address: "10.0.0.3" }, remote }),
  (pm) => pm.subflowDestroy({ token: TOKEN, local, remote }),
  (pm) => pm.events().close(),
  (pm) => pm.getMode(),
  (pm) => pm.setMode("userspace"),
  (pm) => pm.setMode("userspace")[Symbol.dispose](),
];

const sourceOf = (operation: (pm: PathManager) => unknown) =>
  operation.toString().replace(/^\(pm\)\s*=>\s*/, "").replaceAll(/\s+/g, " ");

function assertTyped(error: unknown, what: string): void {
  const isTyped = [SyscallError, ProtocolError, DecodeError, NetlinkError]
    .some((one) => error instanceof one);
  assert(isTyped, `${what}: ${error}`);
  if (error instanceof SyscallError) assertStrictEquals(error, FAILURE);
}

/** The same object does its work, and says what the kernel has. */
function assertUsable(pm: PathManager, kernel: FakeKernel, what: string): void {
  assertEquals(pm.getLimits(), kernel.limits, what);
  assertEquals(
    pm.dumpAddrs().map(({ id, ifIndex, dev = "" }) => [id, ifIndex, dev]),
    kernel.endpoints.toSorted((one, other) => one.id - other.id)
      .map((
        { id, ifIndex },
      ) => [id, ifIndex, kernel.ifIndexToName(ifIndex) ?? ""]),
    what,
  );
}

/** In time; and late, so that there is something to wait for. */
const DELIVERIES = {
  "in time": (answer: Parameters<FakeKernel["distort"]>[0]) => answer,
  "late": HARMLESS["each datagram late"]!,
};

/** More calls than any operation makes. */
const ENOUGH = 100;

/** Tries each fault as call 1, 2, 3, … until the fault is not reached. */
function sweep(
  attempt: (
    transport: FaultyTransport,
    kernel: FakeKernel,
    nth: number,
    what: string,
  ) => void,
): void {
  for (const [name, fault] of Object.entries(FAULTS)) {
    for (const [delivery, distort] of Object.entries(DELIVERIES)) {
      let nth = 0;
      let reached = true;
      while (reached && nth < ENOUGH) {
        const kernel = new FakeKernel();
        fill(kernel);
        kernel.distort = distort;
        const transport = new FaultyTransport(kernel, fault);
        attempt(transport, kernel, ++nth, `${name}, call ${nth}, ${delivery}`);
        ({ reached } = transport);
      }
      assert(nth > 1 && nth < ENOUGH, `${name}: ${nth} calls`);
    }
  }
}

for (const operation of OPERATIONS) {
  Deno.test(`\`${sourceOf(operation)}\` survives what can happen, wherever it does`, () => {
    sweep((transport, kernel, nth, what) => {
      using pm = PathManager.open({ transport });
      transport.arm(nth);
      let thrown: unknown;
      try {
        operation(pm);
      } catch (error) {
        assertTyped(error, what);
        thrown = error;
      }
      transport.disarm();
      assertEquals(kernel.closed, false, what);
      assertUsable(pm, kernel, what);
      if (!transport.reached) assertEquals(thrown, undefined, what);
      else if (what.includes("fails")) assertStrictEquals(thrown, FAILURE);
    });
  });
}

Deno.test("`open()` closes the transport when it fails, wherever it does", () => {
  sweep((transport, kernel, nth, what) => {
    transport.arm(nth);
    let pm: PathManager | undefined;
    try {
      pm = PathManager.open({ transport });
    } catch (error) {
      assertTyped(error, what);
    }
    transport.disarm();
    assertEquals(kernel.closed, pm === undefined, what);
    if (pm !== undefined) assertUsable(pm, kernel, what);
    if (what.includes("fails")) {
      assertEquals(kernel.closed, transport.reached, what);
    }
  });
});

const created = golden("event/kpm-v4/client/created").bytes;
const closed = golden("event/kpm-v4-close/client/closed").bytes;
/** With the index of a device. */
const established = withAttr(
  golden("event/upm-v4-subflow-create/client/sub-established").bytes,
  attr(15, u32(2)),
);

function withAttr(message: Uint8Array, bytes: Uint8Array) {
  const whole = join([message, bytes]);
  whole.set(u32(whole.length));
  return whole;
}

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

for (const [name, fault] of Object.entries(FAULTS)) {
  // What waits for an answer that never comes would do so for ever.
  if (name === NEVER) continue;
  Deno.test(`a stream ends with a typed error or goes on at ${name}, wherever it is`, async () => {
    let nth = 0;
    let reached = true;
    while (reached && nth < ENOUGH) {
      const what = `${name}, call ${++nth}`;
      const kernel = new FakeKernel();
      const transport = new FaultyTransport(kernel, fault);
      using pm = PathManager.open({ transport });
      using stream = pm.events();
      transport.arm(nth);
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { type } of stream) seen.push(type);
      })();
      const ended = reading.catch((error) => error);
      for (const event of [created, established, closed]) {
        kernel.emit(event);
        await turn();
      }
      stream.close();
      const error = await ended;
      transport.disarm();
      ({ reached } = transport);
      if (error !== undefined) assertTyped(error, what);
      if (name === "a system call that fails" && reached) {
        assertStrictEquals(error, FAILURE);
      }
      if (!reached) {
        assertEquals(error, undefined, what);
        assertEquals(seen, ["created", "sub-established", "closed"], what);
      }
      assertEquals(await stream.next(), { value: undefined, done: true }, what);
      assertEquals(kernel.subscriptions[0]!.closed, true, what);
      assertUsable(pm, kernel, what);
      using other = pm.events();
      kernel.emit(closed);
      assertEquals((await other.next()).value?.type, "closed", what);
    }
    // One receipt and one wait before each of three events, and a device.
    assert(nth > 7 && nth < ENOUGH, `${name}: ${nth} calls`);
  });
}
