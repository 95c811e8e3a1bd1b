/**
 * Fails call 1, 2, 3, … of each operation until it gets by without
 * reaching the fault.
 */
import { assert, assertEquals } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NetlinkError, ProtocolError } from "../../netlink/errors.ts";
import type {
  Namespace,
  Subscription,
  Transport,
} from "../../netlink/transport.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { attr, join, u32 } from "../helpers/netlink_bytes.ts";
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

/** The calls of a namespace, and of its sockets, that can fail. */
type Call = Exclude<
  keyof Namespace | keyof Transport | keyof Subscription,
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
    // Not between two messages, where it would not be noticed.
    datagram.subarray(0, (datagram.length >> 1) + 1)
  ),
  "zeros": garbage((datagram) => datagram.fill(0)),
  "ones": garbage((datagram) => datagram.fill(0xff)),
  "garbage behind the headers": garbage((datagram) => datagram.fill(0xa5, 20)),
};

type Method = (...args: unknown[]) => unknown;

/** Does something else instead of one call of a namespace and its sockets. */
class Faulty {
  readonly namespace: Namespace;
  readonly #fault: Fault;
  #left = Infinity;
  #disarmed = true;

  constructor(kernel: FakeKernel, fault: Fault) {
    this.namespace = this.#wrap(kernel);
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

  #wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const method: unknown = Reflect.get(target, name);
        // A clock is no call of the system.
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          const proceed = () => (method as Method).apply(target, args);
          if (name === "close" || name === Symbol.dispose) return proceed();
          const result = this.#call(name as Call, proceed);
          return name === "open" || name === "subscribe"
            ? this.#wrap(result as object)
            : result;
        };
      },
    });
  }

  #call(call: Call, proceed: () => unknown): unknown {
    if (this.#disarmed || --this.#left > 0) return proceed();
    const isOnce = this.#fault !== FAULTS[NEVER];
    return isOnce && this.#left < 0 ? proceed() : this.#fault(call, proceed);
  }
}

/** What the caller may get of a fault. */
function assertTyped(error: string, what: string): void {
  const types = [SyscallError, ProtocolError, DecodeError, NetlinkError];
  const isTyped = types.some(({ name }) => error.startsWith(`${name}: `));
  assert(isTyped, `${what}: ${error}`);
  if (what.startsWith(FAILS)) assertEquals(error, `${FAILURE}`, what);
}

/** Whether no socket for requests is left open. */
const isClosed = ({ transports }: FakeKernel) =>
  transports.every(({ closed }) => closed);

/** More calls than any operation makes. */
const ENOUGH = 100;

/** Tries each fault as call 1, 2, 3, … until the fault is not reached. */
function sweep(
  run: (
    faulty: Faulty,
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
      const faulty = new Faulty(kernel, fault);
      run(faulty, kernel, ++nth, `${name}, call ${nth}`);
      ({ reached } = faulty);
    }
    assert(nth > 1 && nth < ENOUGH, `${name}: ${nth} calls`);
  }
}

for (const operation of Object.values(OPERATIONS).flat()) {
  Deno.test(`\`${sourceOf(operation)}\` fails with a typed error or not at all, whichever call fails`, () => {
    const clean = doTwice(operation);
    sweep((faulty, kernel, nth, what) => {
      using pm = PathManager.open({ namespace: faulty.namespace });
      const action = operation(pm);
      faulty.arm(nth);
      const result = attempt(kernel, action);
      faulty.disarm();
      if (result.outcome !== clean.once.outcome) {
        assert(faulty.reached, `${what}: ${result.outcome}`);
        assertTyped(result.outcome.replace(/^throws /, ""), what);
      } else if (
        faulty.reached && clean.once.outcome.startsWith("returns")
      ) {
        assert(!what.startsWith(FAILS), `${what}: no error`);
      }
      // What was late has come by now.
      for (const transport of kernel.transports) {
        if (!transport.closed) transport.wait(0);
      }
      assertRepeatable(clean, result, () => attempt(kernel, action), what);
      assertEquals(pm.getLimits(), kernel.limits, what);
      assertEquals(isClosed(kernel), false, what);
    });
  });
}

Deno.test("`open()` closes its socket when it fails, wherever it does", () => {
  sweep((faulty, kernel, nth, what) => {
    faulty.arm(nth);
    let pm: PathManager | undefined;
    const { outcome } = attempt(kernel, () => {
      pm = PathManager.open({ namespace: faulty.namespace });
    });
    faulty.disarm();
    if (pm === undefined) assertTyped(outcome.replace(/^throws /, ""), what);
    assertEquals(isClosed(kernel), pm === undefined, what);
    assertEquals(pm?.getLimits() ?? kernel.limits, kernel.limits, what);
    if (what.startsWith(FAILS)) {
      assertEquals(isClosed(kernel), faulty.reached, what);
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
      const faulty = new Faulty(kernel, fault);
      using pm = PathManager.open({ namespace: faulty.namespace });
      using stream = pm.events();
      faulty.arm(nth);
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
      faulty.disarm();
      ({ reached } = faulty);
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
