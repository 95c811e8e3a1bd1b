/**
 * Fails transport call 1, 2, 3, … of each operation until it gets by without
 * reaching the fault.
 */
import { assert, assertEquals } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NetlinkError, ProtocolError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import type { Subscription, Transport } from "../../ops/transport.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { attr, join, u32 } from "../../testing/netlink_bytes.ts";
import { HARMLESS } from "../helpers/distortions.ts";
import { golden } from "../helpers/golden.ts";
import {
  assertRepeatable,
  attempt,
  doTwice,
  fill,
  OPERATIONS,
  sourceOf,
} from "../helpers/operations.ts";

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

const FAILS = "a system call that fails";
const NEVER = "an answer that never comes";

const FAULTS: Readonly<Record<string, Fault>> = {
  [FAILS]: () => {
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
    // Not between two messages, where nobody would notice.
    datagram.subarray(0, (datagram.length >> 1) + 1)
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

/** What the caller may hear of a fault. */
function assertTyped(error: string, what: string): void {
  const types = [SyscallError, ProtocolError, DecodeError, NetlinkError];
  const isTyped = types.some(({ name }) => error.startsWith(`${name}: `));
  assert(isTyped, `${what}: ${error}`);
  if (what.startsWith(FAILS)) assertEquals(error, `${FAILURE}`, what);
}

/** More calls than any operation makes. */
const ENOUGH = 100;

/** Tries each fault as call 1, 2, 3, … until the fault is not reached. */
function sweep(
  run: (
    transport: FaultyTransport,
    kernel: FakeKernel,
    nth: number,
    what: string,
  ) => void,
): void {
  for (const [name, fault] of Object.entries(FAULTS)) {
    let nth = 0;
    let reached = true;
    while (reached && nth < ENOUGH) {
      const kernel = new FakeKernel();
      fill(kernel);
      // So that there is something to wait for.
      kernel.distort = HARMLESS["an answer that comes late"]!;
      const transport = new FaultyTransport(kernel, fault);
      run(transport, kernel, ++nth, `${name}, call ${nth}`);
      ({ reached } = transport);
    }
    assert(nth > 1 && nth < ENOUGH, `${name}: ${nth} calls`);
  }
}

for (const operation of Object.values(OPERATIONS).flat()) {
  Deno.test(`\`${sourceOf(operation)}\` survives what can happen, wherever it does`, () => {
    const clean = doTwice(operation);
    sweep((transport, kernel, nth, what) => {
      using pm = PathManager.open({ transport });
      const action = operation(pm);
      transport.arm(nth);
      const result = attempt(kernel, action);
      transport.disarm();
      if (result.outcome !== clean.once.outcome) {
        assert(transport.reached, `${what}: ${result.outcome}`);
        assertTyped(result.outcome.replace(/^throws /, ""), what);
      } else if (
        transport.reached && clean.once.outcome.startsWith("returns")
      ) {
        assert(!what.startsWith(FAILS), `${what}: nothing is told`);
      }
      // What was late has come by now.
      kernel.wait(0);
      assertRepeatable(clean, result, () => attempt(kernel, action), what);
      assertEquals(pm.getLimits(), kernel.limits, what);
      assertEquals(kernel.closed, false, what);
    });
  });
}

Deno.test("`open()` closes the transport when it fails, wherever it does", () => {
  sweep((transport, kernel, nth, what) => {
    transport.arm(nth);
    let pm: PathManager | undefined;
    const { outcome } = attempt(kernel, () => {
      pm = PathManager.open({ transport });
    });
    transport.disarm();
    if (pm === undefined) assertTyped(outcome.replace(/^throws /, ""), what);
    assertEquals(kernel.closed, pm === undefined, what);
    assertEquals(pm?.getLimits() ?? kernel.limits, kernel.limits, what);
    if (what.startsWith(FAILS)) {
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
      if (error !== undefined) assertTyped(`${error}`, what);
      if (name === FAILS) assertEquals(error !== undefined, reached, what);
      if (!reached) {
        assertEquals(error, undefined, what);
        assertEquals(seen, ["created", "sub-established", "closed"], what);
      }
      assertEquals(await stream.next(), { value: undefined, done: true }, what);
      assertEquals(kernel.subscriptions[0]!.closed, true, what);
      assertEquals(pm.getLimits(), kernel.limits, what);
      using other = pm.events();
      kernel.emit(closed);
      assertEquals((await other.next()).value?.type, "closed", what);
    }
    // One receipt and one wait before each of three events, and a device.
    assert(nth > 7 && nth < ENOUGH, `${name}: ${nth} calls`);
  });
}
