/**
 * Answers that no kernel gives: whatever comes, a command ends, and what is
 * wrong with one answer does not reach the next.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NetlinkError, ProtocolError } from "../../ops/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import type { Delivery, Distortion } from "../../testing/fake_transport.ts";
import {
  attr,
  type Bytes,
  done,
  join,
  message,
  NLM_F_MULTI,
  seqOf,
  split,
  u32,
  verdict,
  withSeq,
} from "../../testing/netlink_bytes.ts";
import { HARMLESS } from "../helpers/distortions.ts";
import { golden } from "../helpers/golden.ts";
import { fill, OPERATIONS } from "../helpers/operations.ts";

const GET_ADDR = 3;
const GET_LIMITS = 6;

/** A kernel with two endpoints. */
function open(): { pm: PathManager; kernel: FakeKernel } {
  const kernel = new FakeKernel();
  const pm = PathManager.open({ transport: kernel });
  for (const last of [1, 2]) {
    pm.addAddr({ address: `10.0.0.${last}`, flags: ["subflow"] });
  }
  return { pm, kernel };
}

function assertUsable(pm: PathManager, kernel: FakeKernel): void {
  assertEquals(pm.getLimits(), kernel.limits);
  assertEquals(
    pm.dumpAddrs().map(({ address }) => address),
    ["10.0.0.1", "10.0.0.2"],
  );
  pm.setLimits({ subflows: 7 });
  assertEquals(pm.getLimits().subflows, 7);
  assertEquals(kernel.unread, []);
}

const limitsOf7 = [attr(2, u32(7)), attr(3, u32(7))];

/** A reply to a request, of a command. */
function reply(request: Bytes, cmd: number, ...attrs: Uint8Array[]): Bytes {
  const header = Uint8Array.of(cmd, 1, 0, 0);
  return message(FAMILY, NLM_F_MULTI, seqOf(request), header, ...attrs);
}

const datagrams = (answer: Delivery[]) =>
  answer.filter((delivery) => delivery instanceof Uint8Array);

/** What makes no difference: neither to this answer nor to the next. */
const HARMLESS_TOO: Readonly<Record<string, Distortion>> = {
  "every datagram twice": (answer, request) => {
    const isDump = datagrams(answer).some((one) => split(one).length > 1);
    // A dump that comes twice is another dump: its end is what comes twice.
    return isDump
      ? [...answer, done(seqOf(request)), done(seqOf(request))]
      : answer.flatMap((one) => [one, one]);
  },
  "messages behind the end, in the same datagram": (answer, request) => [
    join([
      ...datagrams(answer),
      reply(request, GET_ADDR, ...limitsOf7),
      reply(request, GET_LIMITS, ...limitsOf7),
      verdict(request, 1),
      done(seqOf(request), 1),
    ]),
  ],
  "messages behind the end, in datagrams of their own": (answer, request) => [
    ...answer,
    reply(request, GET_ADDR, ...limitsOf7),
    reply(request, GET_LIMITS, ...limitsOf7),
    verdict(request, 1),
  ],
  "answers to requests that come later": (answer, request) => [
    ...datagrams(answer).map((one) => withSeq(one, seqOf(request) + 9)),
    ...answer,
  ],
  "a refusal of a request that comes later": (answer, request) => [
    withSeq(verdict(request, 1), seqOf(request) + 9),
    ...answer,
  ],
  "a reply to another command in front": (answer, request) => [
    // Of get-limits to get-addr, and the other way round.
    reply(request, request[16] === GET_LIMITS ? GET_ADDR : GET_LIMITS),
    ...answer,
  ],
};

for (const [name, distort] of Object.entries(HARMLESS_TOO)) {
  Deno.test(`a command takes ${name}, and the next one too`, () => {
    const { pm, kernel } = open();
    kernel.distort = distort;
    for (let round = 0; round < 3; round++) {
      const subflows = round + 3;
      pm.setLimits({ subflows });
      assertEquals(pm.getLimits(), { subflows, addAddrAccepted: 0 });
      assertEquals(pm.getAddr({ id: 2 }).address, "10.0.0.2");
      assertEquals(pm.dumpAddrs().map(({ id }) => id), [1, 2]);
    }
    kernel.distort = (answer) => answer;
    pm.getLimits();
    assertUsable(pm, kernel);
  });
}

/** What leaves the caller without an answer. */
const HARMFUL_TOO: Readonly<Record<string, Distortion>> = {
  "only messages of another family": (_, request) => [
    message(
      FAMILY + 1,
      0,
      seqOf(request),
      Uint8Array.of(request[16]!, 1, 0, 0),
    ),
  ],
  "only messages of nlctrl": (_, request) => [
    message(16, 0, seqOf(request), Uint8Array.of(1, 2, 0, 0)),
  ],
  "only answers to requests that come later": (answer, request) =>
    datagrams(answer).map((one) => withSeq(one, seqOf(request) + 9)),
  "only messages that do nothing": (_, request) => [
    message(1, 0, seqOf(request)),
  ],
  "only a reply to another command": (_, request) => [
    reply(request, 10, ...limitsOf7),
  ],
};

for (const [name, distort] of Object.entries(HARMFUL_TOO)) {
  Deno.test(`${name} are no answer, and the next command works`, () => {
    const calls: ((pm: PathManager) => unknown)[] = [
      (pm) => pm.getLimits(),
      (pm) => pm.getAddr({ id: 1 }),
      (pm) => pm.dumpAddrs(),
      (pm) => pm.setLimits({ subflows: 2 }),
    ];
    for (const call of calls) {
      const { pm, kernel } = open();
      kernel.distort = distort;
      assertThrows(
        () => call(pm),
        ProtocolError,
        "the kernel did not answer within 1000 ms",
      );
      kernel.distort = (answer) => answer;
      assertUsable(pm, kernel);
    }
  });
}

Deno.test("a dump whose end comes first gives nothing of it to the next", () => {
  const { pm, kernel } = open();
  kernel.distort = (answer) => answer.toReversed();
  assertEquals(pm.dumpAddrs(), []);
  kernel.distort = (answer) => answer;
  // What came too late has another number, and is passed over.
  pm.getLimits();
  assertUsable(pm, kernel);
});

Deno.test("`getLimits()` takes neither an ack in front of the reply nor the reply then", () => {
  const { pm, kernel } = open();
  kernel.distort = (answer, request) => [verdict(request, 0), ...answer];
  for (const _ of [1, 2]) {
    assertThrows(
      () => pm.getLimits(),
      ProtocolError,
      "the kernel acknowledged but sent nothing",
    );
  }
  kernel.distort = (answer) => answer;
  pm.getLimits();
  assertUsable(pm, kernel);
});

/** More than any answer is made of. */
const TOO_MANY = 100_000;

/** A kernel whose answers have no end while something is repeated. */
class EndlessKernel extends FakeKernel {
  repeated: ((request: Bytes) => Bytes) | undefined;
  received = 0;

  override receive(): Uint8Array | undefined {
    if (this.repeated === undefined) return super.receive();
    if (++this.received > TOO_MANY) throw new Error("asked on and on");
    return this.repeated(this.sent.at(-1)!);
  }
}

const ENDLESS: Readonly<Record<string, (request: Bytes) => Bytes>> = {
  "replies without an end": (request) => reply(request, request[16]!),
  "answers to other requests": (request) =>
    reply(withSeq(request, seqOf(request) - 1), request[16]!),
  "messages of another family": (request) =>
    message(FAMILY + 1, NLM_F_MULTI, seqOf(request), Uint8Array.of(1, 1, 0, 0)),
  "empty datagrams": () => new Uint8Array(),
};

for (const [name, repeated] of Object.entries(ENDLESS)) {
  Deno.test(`a command gives up at ${name}, and so does the next`, () => {
    const calls: ((pm: PathManager) => unknown)[] = [
      (pm) => pm.dumpAddrs(),
      (pm) => pm.setLimits({ subflows: 2 }),
      // A reply is all that this waits for.
      ...name === "replies without an end"
        ? []
        : [(pm: PathManager) => pm.getLimits()],
    ];
    for (const call of calls) {
      const kernel = new EndlessKernel();
      const pm = PathManager.open({ transport: kernel });
      kernel.repeated = repeated;
      for (const _ of [1, 2]) {
        kernel.received = 0;
        assertThrows(() => call(pm), ProtocolError);
      }
      kernel.repeated = undefined;
      while (kernel.receive() !== undefined);
      assertEquals(pm.getLimits(), kernel.limits);
      assertEquals(pm.dumpAddrs(), []);
    }
  });
}

Deno.test("no operation reads a clock that can be set", async () => {
  const { Date, Temporal } = globalThis;
  const trap = new Proxy({}, {
    get() {
      throw new Error("a clock was read that can be set");
    },
  });
  let waits = 0;
  Object.assign(globalThis, { Date: trap, Temporal: trap });
  try {
    for (const operation of Object.values(OPERATIONS).flat()) {
      const kernel = new FakeKernel();
      const pm = PathManager.open({ transport: kernel });
      fill(kernel);
      const action = operation(pm);
      kernel.distort = HARMLESS["each datagram late"]!;
      try {
        action();
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
      }
      waits += kernel.waits.length;
    }
    const kernel = new FakeKernel();
    using stream = PathManager.open({ transport: kernel }).events();
    const next = stream.next();
    kernel.emit(golden("event/kpm-v4/client/created").bytes);
    assertEquals((await next).value?.type, "created");
  } finally {
    Object.assign(globalThis, { Date, Temporal });
  }
  assert(waits > 0);
});

for (const room of ["codec", "ffi", "ops"]) {
  Deno.test(`nothing in ${room}/ knows the time of day`, () => {
    const folder = new URL(`../../${room}/`, import.meta.url);
    const files = [...Deno.readDirSync(folder)]
      .filter(({ name }) => name.endsWith(".ts"));
    assert(files.length > 0);
    for (const { name } of files) {
      const source = Deno.readTextFileSync(new URL(name, folder));
      assertEquals(
        source.match(/\b(Date|Temporal|timeOrigin)\b/g),
        null,
        name,
      );
    }
  });
}

Deno.test("a stream takes no more from the kernel than it is asked for", async () => {
  const kernel = new FakeKernel();
  const pm = PathManager.open({ transport: kernel });
  const created = golden("event/kpm-v4/client/created").bytes;
  const closed = golden("event/kpm-v4-close/client/closed").bytes;
  using all = pm.events();
  using some = pm.events({ types: ["closed"] });
  const taken = [0, 0];
  kernel.subscriptions.forEach((subscription, index) => {
    const { receive } = subscription;
    subscription.receive = () => {
      taken[index]!++;
      return receive.call(subscription);
    };
  });
  for (let count = 0; count < 1000; count++) kernel.emit(created);
  kernel.emit(join([closed, closed, closed]));
  // The kernel keeps them, which has a bound; nothing is kept here.
  assertEquals(taken, [0, 0]);
  await all.next();
  await all.next();
  assertEquals(taken, [2, 0]);
  // What is not wanted is gone, and what came with it is kept.
  for (const _ of [1, 2, 3]) {
    assertEquals((await some.next()).value?.type, "closed");
    assertEquals(taken, [2, 1001]);
  }
});
