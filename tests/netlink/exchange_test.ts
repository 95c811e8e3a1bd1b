import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import type { NlMessage } from "../../codec/nlmsghdr.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NetlinkError, ProtocolError } from "../../netlink/errors.ts";
import { NetlinkClient } from "../../netlink/exchange.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import {
  type Answer,
  type Delivery,
  FakeNamespace,
} from "../../testing/fake_namespace.ts";
import {
  ack,
  attr,
  type Bytes,
  done,
  join,
  message,
  seqOf,
  split,
  u32,
  withSeq,
} from "../helpers/netlink_bytes.ts";
import {
  HARMFUL,
  HARMLESS,
  interrupted,
  MISSING,
  reply,
  warned,
} from "../helpers/distortions.ts";
import { golden } from "../helpers/golden.ts";
import { captured, script } from "../helpers/script.ts";
import { open, TestClient } from "./client.ts";

const GET_ADDR = 3;
const GET_LIMITS = 6;
const EPERM = 1;
const ENOMEM = 12;
const ENOBUFS = 105;
const TIMEOUT = "the kernel did not answer within 1000 ms";
const ENDLESS = "the kernel answers without an end";
const OVERRUN = new SyscallError("recvfrom", ENOBUFS, "receive");

const stored = (last: number) => ({
  addr: { family: 2, port: 0, id: last, flags: 2, addr4: `10.0.0.${last}` },
});
const BOTH = [stored(1), stored(2)];
const LIMITS = { rcvAddAddrs: 0, subflows: 2 };

const limitsOf = (client: TestClient) => client.get(OPS["get-limits"], {});
const dump = (client: TestClient, most?: number) =>
  client.dump(OPS["get-addr"], {}, most);
const flush = (client: TestClient) => client.execute(OPS["flush-addrs"], {});

/** The three forms of an exchange. */
const CALLS = [limitsOf, dump, flush] as const;

function assertUsable(client: TestClient, kernel: FakeKernel): void {
  kernel.distort = (answer) => answer;
  assertEquals(limitsOf(client), LIMITS);
  assertEquals(dump(client), BOTH);
  assertEquals(kernel.unread, []);
}

/** A client of what answers with these datagrams after the look-up. */
function answered(name: string, answer: readonly Delivery[]) {
  const { request } = captured(name);
  const namespace = new FakeNamespace(
    script([captured("ctrl/getfamily"), { request, answer }]),
  );
  return { client: new TestClient(namespace), namespace };
}

const messagesOf = (answer: Delivery[]) =>
  answer.flatMap((one) => one instanceof Uint8Array ? split(one) : []);

/** A protocol in which replies have a type of their own, as in rtnetlink. */
const linkClient = (Base: typeof NetlinkClient, namespace: FakeNamespace) =>
  new class extends Base<"getlink"> {
    links = () => [...this.dumpOp("getlink", {})];

    protected override encode(
      _: string,
      _attrs: object,
      flags: number,
      seq: number,
    ) {
      return message(18, 1 | flags, seq, new Uint8Array(16));
    }
    protected override decode(_: string, { type, payload }: NlMessage) {
      return type === 16 ? { index: payload[4] } : undefined;
    }
    protected override action(op: string) {
      return op;
    }
    protected override refusal(_: string, _request: Uint8Array, errno: number) {
      return new Error(`refused: ${errno}`);
    }
    protected override warning() {}
  }(namespace.open(0));

Deno.test("a reply is what the protocol takes for one", () => {
  const answer: Answer = (request) => [
    join([
      message(16, 2, seqOf(request), new Uint8Array(16).fill(1)),
      message(18, 2, seqOf(request), new Uint8Array(16).fill(2)),
      message(16, 2, seqOf(request), new Uint8Array(16).fill(3)),
    ]),
    done(seqOf(request)),
  ];
  const client = linkClient(NetlinkClient, new FakeNamespace(answer));
  for (const _ of [1, 2]) {
    assertEquals(client.links(), [{ index: 1 }, { index: 3 }]);
  }
  const refusing = new FakeNamespace((request) => [ack(request, EPERM)]);
  assertThrows(
    () => linkClient(NetlinkClient, refusing).links(),
    Error,
    "refused: 1",
  );
});

Deno.test("requests are numbered from 1, and from 1 again after the highest number", async () => {
  // The same module, with another number to start with.
  const url = new URL("../../netlink/exchange.ts", import.meta.url);
  const source = Deno.readTextFileSync(url)
    .replace("#seq = 0;", "#seq = 0xfffffffd;")
    .replaceAll(
      /from "(\.[^"]+)"/g,
      (_, path) => `from "${new URL(path, url)}"`,
    );
  assert(source.includes("0xfffffffd"));
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  const rows: [typeof NetlinkClient, number[]][] = [
    [NetlinkClient, [1, 2, 3, 4]],
  ];
  try {
    Deno.writeTextFileSync(path, source);
    const late = (await import(`file://${path}`)).NetlinkClient;
    rows.push([late, [0xfffffffe, 0xffffffff, 1, 2]]);
  } finally {
    Deno.removeSync(path);
  }
  for (const [Base, seqs] of rows) {
    const namespace = new FakeNamespace((request) => [done(seqOf(request))]);
    const client = linkClient(Base, namespace);
    for (const _ of seqs) client.links();
    assertEquals(namespace.sent.map(seqOf), seqs);
  }
});

for (const [name, distort] of Object.entries(HARMLESS)) {
  Deno.test(`an exchange takes ${name}, and so does the next`, () => {
    const { client, kernel } = open(distort);
    for (const subflows of [8, 2]) {
      assertEquals(dump(client), BOTH);
      assertEquals(client.get(OPS["get-addr"], { addr: { id: 2 } }), stored(2));
      client.execute(OPS["set-limits"], { subflows });
      assertEquals(limitsOf(client), { ...LIMITS, subflows });
      const error = assertThrows(
        () => client.execute(OPS["set-limits"], { subflows: 9 }),
        NetlinkError,
      );
      assertEquals(error.extack?.attribute, ".subflows");
    }
    assertEquals([...client.walk()], BOTH);
    kernel.distort = (answer) => answer;
    limitsOf(client);
    assertUsable(client, kernel);
  });

  Deno.test(`the look-up of the family takes ${name}`, () => {
    const kernel = new FakeKernel();
    kernel.distort = distort;
    assertEquals(limitsOf(new TestClient(kernel)), LIMITS);
  });
}

for (const [name, distort] of Object.entries({ ...MISSING, ...HARMFUL })) {
  Deno.test(`an exchange fails at ${name}, and the next one works`, () => {
    for (const call of CALLS) {
      // An ack has no attributes.
      if (call === flush && name.startsWith("an attribute")) continue;
      const { client, kernel } = open(distort);
      const error = assertThrows(() => call(client), Error);
      if (name in MISSING) {
        assertEquals(error.name, "ProtocolError");
        assert(error.message.endsWith(`: ${TIMEOUT}`), error.message);
      } else {
        assert(
          error instanceof ProtocolError || error instanceof DecodeError,
          `${error}`,
        );
      }
      kernel.distort = (answer) => answer;
      if (call === flush) flush(client);
      assertEquals(limitsOf(client), LIMITS);
      assertEquals(dump(client), call === flush ? [] : BOTH);
      assertEquals(kernel.unread, []);
    }
  });

  Deno.test(`the look-up of the family fails at ${name}`, () => {
    const kernel = new FakeKernel();
    kernel.distort = distort;
    const error = assertThrows(() => new TestClient(kernel), Error);
    assert(
      error instanceof ProtocolError || error instanceof DecodeError,
      `${error}`,
    );
    assertEquals(kernel.transports.map(({ closed }) => closed), [true]);
  });
}

Deno.test("an error says where the bytes are wrong", () => {
  const limits = (...attrs: Uint8Array[]) =>
    message(FAMILY, 0, 0, Uint8Array.of(GET_LIMITS, 1, 0, 0), ...attrs);
  const rows: [Bytes, string][] = [
    [
      limits(attr(2)),
      'attribute ".rcv-add-addrs": 0 bytes, but u32 has 4 at byte 8',
    ],
    [
      limits(attr(3, new Uint8Array(8))),
      'attribute ".subflows": 8 bytes, but u32 has 4 at byte 8',
    ],
    [
      limits(Uint8Array.of(9, 0, 2, 0, 1, 0, 0, 0)),
      "message: attribute length 9, but 4 to 8 is possible at byte 4",
    ],
    [
      golden("get-limits/default/reply").bytes.slice(0, 32),
      "message: message length 36, but 16 to 32 is possible at byte 0",
    ],
  ];
  for (const [datagram, text] of rows) {
    const { client } = answered("get-limits/default", [datagram]);
    const error = assertThrows(() => limitsOf(client), DecodeError);
    assertEquals(error.message, `Cannot decode ${text}`);
  }
});

Deno.test("`get()` takes neither an ack nor the end of a dump for a reply", () => {
  const rows: Answer[] = [
    (request) => [ack(request, 0)],
    (request) => [ack(request, 0), reply(request, GET_LIMITS)],
    (request) => [done(seqOf(request))],
  ];
  for (const answer of rows) {
    const { client, kernel } = open((_, request) =>
      answer(request, kernel.transports[0]!)
    );
    for (const _ of [1, 2]) {
      const error = assertThrows(() => limitsOf(client), ProtocolError);
      assertEquals(
        error.message,
        "Cannot get limits: the kernel acknowledged but sent nothing",
      );
    }
    kernel.distort = (answer) => answer;
    limitsOf(client);
    assertUsable(client, kernel);
  }
});

Deno.test("`get()` skips the ack that follows a reply", () => {
  const { request } = captured("get-limits/default");
  const { answer } = captured("get-limits/with-ack");
  const namespace = new FakeNamespace(script([
    captured("ctrl/getfamily"),
    { request, answer },
    captured("get-limits/default"),
  ]));
  const client = new TestClient(namespace);
  for (const _ of [1, 2]) assertEquals(limitsOf(client), LIMITS);
});

Deno.test("`execute()` waits for the ack of a command that is answered too", () => {
  const { client, kernel } = open((answer, request) => [
    ...Array(1000).fill(message(FAMILY, 0, seqOf(request), request.slice(16))),
    ...answer,
  ]);
  flush(client);
  assertEquals(kernel.unread, []);
  assertEquals(kernel.endpoints(), []);
});

Deno.test("`dump()` reads on until the end, however it is delivered", () => {
  const datagram = golden("get-addr/dump-7/datagram-0").bytes;
  const end = golden("get-addr/dump-7/done").bytes;
  const rows: Delivery[][] = [
    [datagram, end],
    [join([datagram, end])],
    [...split(datagram), end],
    [
      join(split(datagram).slice(0, 3)),
      undefined,
      join([...split(datagram).slice(3), end]),
    ],
  ];
  for (const answer of rows) {
    const { client, namespace } = answered("get-addr/dump-7", answer);
    const addresses = client.dump(OPS["get-addr"], {})
      .map(({ addr }) => addr?.addr4 ?? addr?.addr6);
    assertEquals(addresses, [
      "10.77.2.1",
      "10.77.3.1",
      "fd77:2::1",
      "10.77.3.1",
      "::ffff:10.77.9.9",
      "10.77.9.8",
      "10.77.9.7",
    ]);
    assertEquals(namespace.unread, []);
  }
});

Deno.test("a dump throws an error at its end although there were replies", () => {
  const { client, kernel } = open((answer, request) => [
    answer[0],
    done(seqOf(request), ENOMEM),
  ]);
  const seen: object[] = [];
  const calls = [() => dump(client), () => {
    for (const one of client.walk()) seen.push(one);
  }];
  for (const call of calls) {
    const error = assertThrows(call, NetlinkError);
    assertEquals(
      error.message,
      "Cannot get addr: Cannot allocate memory (ENOMEM)\n" +
        "hint: get-addr 12 undefined",
    );
  }
  assertEquals(seen, BOTH);
  assertUsable(client, kernel);
});

Deno.test("`dump()` takes an end without error number", () => {
  const { client } = open((answer, request) => [
    answer[0],
    message(3, 2, seqOf(request)),
  ]);
  assertEquals(dump(client), BOTH);
});

Deno.test("`dump()` asks again while the table changes, five times in all", () => {
  for (const times of [1, 4]) {
    const { client, kernel } = open((answer, request) =>
      kernel.sent.length <= times ? interrupted(answer, request) : answer
    );
    assertEquals(dump(client), BOTH);
    assertEquals(new Set(kernel.sent.map(seqOf)).size, times + 1);
  }
  const { client, kernel } = open(interrupted);
  const error = assertThrows(() => dump(client), ProtocolError);
  assertEquals(
    error.message,
    "Cannot get addr: the table changed during each of 5 dumps",
  );
  assertEquals(kernel.sent.length, 5);
  assertUsable(client, kernel);
});

Deno.test("`dump()` takes one mark among several messages for a change", () => {
  const { client, kernel } = open((answer, request) => {
    if (kernel.sent.length > 1) return answer;
    const [first, ...rest] = messagesOf(answer);
    return [...interrupted([first], request), ...rest];
  });
  assertEquals(dump(client), BOTH);
  assertEquals(kernel.sent.length, 2);
});

Deno.test("`dump()` takes no more replies than there can be", () => {
  const { client, kernel } = open();
  assertEquals(dump(client, 2), BOTH);
  const error = assertThrows(() => dump(client, 1), ProtocolError);
  assertEquals(error.message, `Cannot get addr: ${ENDLESS}`);
  assertUsable(client, kernel);
});

/** All that a generator yields, and what it returns. */
function drain<T, R>(generator: Generator<T, R>): [T[], R] {
  const all: T[] = [];
  for (;;) {
    const { value, done } = generator.next();
    if (done) return [all, value];
    all.push(value);
  }
}

Deno.test("`dumpOp()` yields one reply after the other, and reads no further", () => {
  const { client, kernel } = open((answer) => messagesOf(answer));
  const replies = client.walk();
  // It asks when it is asked.
  assertEquals(kernel.sent, []);
  for (const [index, expected] of BOTH.entries()) {
    assertEquals(replies.next(), { value: expected, done: false });
    assertEquals(kernel.unread.length, 2 - index);
  }
  assertEquals(replies.next(), { value: false, done: true });
  assertEquals(kernel.sent.length, 1);
});

Deno.test("`dumpOp()` returns whether the table changed, and does not ask again", () => {
  const { client, kernel } = open();
  assertEquals(drain(client.walk()), [BOTH, false]);
  kernel.distort = interrupted;
  assertEquals(drain(client.walk()), [BOTH, true]);
  kernel.distort = (answer) => answer;
  assertEquals(drain(client.walk()), [BOTH, false]);
  assertEquals(kernel.sent.length, 3);
});

Deno.test("a dump that is stopped early leaves the rest to the next request", () => {
  for (const call of [...CALLS, (client: TestClient) => [...client.walk()]]) {
    const { client, kernel } = open((answer) => messagesOf(answer));
    for (const one of client.walk()) {
      assertEquals(one, stored(1));
      break;
    }
    assertEquals(kernel.unread.length, 2);
    // The kernel answers EBUSY to a dump while another one goes on.
    call(client);
    assertEquals(kernel.unread, []);
    if (call !== flush) assertUsable(client, kernel);
  }
});

Deno.test("a dump cannot go on after another request", () => {
  const requests: ((client: TestClient) => unknown)[] = [
    ...CALLS,
    (client) => client.walk().next(),
    // It fails before it is sent.
    (client) => assertThrows(() => limitsOf(client), SyscallError),
  ];
  for (const [index, request] of requests.entries()) {
    const { client, kernel } = open((answer) => messagesOf(answer));
    const replies = client.walk();
    replies.next();
    if (index === requests.length - 1) {
      kernel.transports[0]!.receive = () => {
        Reflect.deleteProperty(kernel.transports[0]!, "receive");
        kernel.transports[0]!.receive();
        throw OVERRUN;
      };
    }
    request(client);
    const error = assertThrows(() => replies.next(), ProtocolError);
    assertEquals(
      error.message,
      "Cannot get addr: another request was sent before its end",
    );
    assertEquals(replies.next().done, true);
    if (request !== flush) assertUsable(client, kernel);
  }
});

Deno.test("a dump may have any number of datagrams", () => {
  const { client, kernel } = open((answer) => {
    const [first, , end] = messagesOf(answer);
    return [...Array(5000).fill(first), end];
  });
  assertEquals(drain(client.walk())[0].length, 5000);
  assertEquals(dump(client, 5000).length, 5000);
  // And so may one that is stopped early.
  client.walk().next();
  assertUsable(client, kernel);
});

Deno.test("an exchange takes 999 datagrams that belong to no request", () => {
  for (const call of CALLS) {
    for (const [strays, fails] of [[999, false], [1000, true]] as const) {
      const { client } = open((answer, request) => [
        ...Array(strays).fill(withSeq(ack(request, 0), 99)),
        ...answer,
      ]);
      if (!fails) call(client);
      else assertThrows(() => call(client), ProtocolError, ENDLESS);
    }
  }
});

/** What comes again and again. */
const REPEATED: Readonly<Record<string, (request: Bytes) => Bytes>> = {
  "replies": (request) =>
    message(FAMILY, 2, seqOf(request), request.subarray(16, 20)),
  "answers to other requests": (request) =>
    message(FAMILY, 2, seqOf(request) - 1, request.subarray(16, 20)),
  "messages of another family": (request) =>
    message(FAMILY + 1, 2, seqOf(request), request.subarray(16, 20)),
  "empty datagrams": () => new Uint8Array(),
};

for (const [name, repeated] of Object.entries(REPEATED)) {
  Deno.test(`an exchange gives up at ${name} without an end, and so does the next`, () => {
    // A reply is all that `get()` waits for.
    const calls = name === "replies" ? [dump, flush] : CALLS;
    for (const call of calls) {
      const { client, kernel } = open();
      const transport = kernel.transports[0]!;
      const { receive } = transport;
      let left = 0;
      transport.receive = () => {
        if (--left < 0) throw new Error("asked on and on");
        return repeated(kernel.sent.at(-1)!);
      };
      for (const _ of [1, 2]) {
        left = 100_000;
        assertThrows(() => call(client), ProtocolError, ENDLESS);
      }
      transport.receive = receive;
      while (transport.receive() !== undefined);
      assertEquals(limitsOf(client), LIMITS);
    }
  });
}

Deno.test("an exchange reads what a failed one left before it sends", () => {
  const rows: [typeof DecodeError | undefined, (all: Bytes[]) => Delivery[]][] =
    [
      [undefined, (all) => [OVERRUN, ...all]],
      [undefined, (all) => [all[0], OVERRUN, ...all.slice(1)]],
      // What cannot be decoded is in the middle of a dump.
      [DecodeError, (all) => [
        all[0],
        message(
          FAMILY,
          2,
          seqOf(all[0]!),
          Uint8Array.of(GET_ADDR, 1, 0, 0, 1, 0, 1, 0),
        ),
        ...all.slice(1),
      ]],
    ];
  for (const [errorClass, change] of rows) {
    const { client, kernel } = open((answer) => change(messagesOf(answer)));
    const error = assertThrows(() => dump(client));
    if (errorClass === undefined) assertStrictEquals(error, OVERRUN);
    else assert(error instanceof errorClass);
    assert(kernel.unread.length > 1);
    kernel.distort = (answer) => answer;
    // The kernel answers EBUSY to a dump while another one goes on.
    assertEquals(dump(client), BOTH);
    assertUsable(client, kernel);
  }
});

Deno.test("an exchange passes on what prevents that, and the next one works", () => {
  const { client, kernel } = open((answer) =>
    kernel.sent.length > 1 ? answer : [OVERRUN, OVERRUN, ...answer]
  );
  for (const _ of [1, 2]) {
    assertStrictEquals(assertThrows(() => dump(client)), OVERRUN);
  }
  assertUsable(client, kernel);
});

Deno.test("an exchange reads nothing in vain after a complete answer", () => {
  const { client, kernel } = open();
  const calls = [
    ...CALLS.map((call) => () => call(client)),
    () => client.execute(OPS["set-limits"], { subflows: 1 }),
    () => assertThrows(() => client.get(OPS["get-addr"], { addr: { id: 99 } })),
    () => assertThrows(() => client.dump(OPS["get-addr"], { token: 1 })),
  ];
  const transport = kernel.transports[0]!;
  const { receive } = transport;
  transport.receive = () => {
    assert(kernel.unread.length > 0, "nothing is there");
    return receive.call(transport);
  };
  for (const call of [...calls, ...calls]) call();
});

Deno.test("an exchange skips a reply that comes too late", () => {
  const { client, kernel } = open(() => []);
  assertThrows(() => limitsOf(client), ProtocolError, TIMEOUT);
  const late = golden("get-limits/default/reply").bytes;
  late.set(u32(seqOf(kernel.sent.at(-1)!)), 8);
  late[24] = 99;
  kernel.distort = (answer) => [late, ...answer];
  assertEquals(limitsOf(client), LIMITS);
  assertUsable(client, kernel);
});

Deno.test("an end that comes before its replies ends a dump", () => {
  const { client, kernel } = open((answer) => answer.toReversed());
  assertEquals(dump(client), []);
  kernel.distort = (answer) => answer;
  // What came too late has another number.
  limitsOf(client);
  assertUsable(client, kernel);
});

Deno.test("an exchange waits for a second in all, however often a wait ends", () => {
  const { client, kernel } = open(() => Array(100).fill(undefined));
  const { now } = performance;
  let time = 0;
  performance.now = () => time += 100;
  try {
    assertThrows(() => limitsOf(client), ProtocolError, TIMEOUT);
  } finally {
    performance.now = now;
  }
  assertEquals(kernel.waits, [900, 800, 700, 600, 500, 400, 300, 200, 100]);
  const silent = open(() => []);
  assertThrows(() => limitsOf(silent.client), ProtocolError, TIMEOUT);
  const [wait, ...more] = silent.kernel.waits;
  assert(wait! > 500 && wait! <= 1000, `${wait}`);
  assertEquals(more, []);
});

Deno.test("an exchange hands on the warning of a success", () => {
  const { client, kernel } = open();
  const { bytes } = golden("add-addr/ok-with-extack-warning/ack");
  kernel.distort = (_, request) => [withSeq(bytes, seqOf(request))];
  flush(client);
  kernel.distort = warned("mind the gap");
  client.execute(OPS["set-limits"], { subflows: 1 });
  kernel.distort = (_, request) => [
    done(seqOf(request), 0, { message: "that was all" }),
  ];
  dump(client);
  kernel.distort = (answer) => answer;
  flush(client);
  assertEquals(client.warnings, [
    { op: "flush-addrs", message: "bytes leftover after parsing attributes" },
    { op: "set-limits", message: "mind the gap" },
    { op: "get-addr", message: "that was all" },
  ]);
});

Deno.test("an exchange passes on a failed send, and the next one works", () => {
  const failure = new SyscallError("send", ENOBUFS, "send");
  for (const call of CALLS) {
    const { client, kernel } = open(() => {
      throw failure;
    });
    assertStrictEquals(assertThrows(() => call(client)), failure);
    kernel.distort = (answer) => answer;
    assertEquals(limitsOf(client), LIMITS);
  }
});

Deno.test("a client closes its socket, also when it is disposed of", () => {
  for (const end of ["close", Symbol.dispose] as const) {
    const { client, kernel } = open();
    assertEquals(kernel.transports[0]!.closed, false);
    for (const _ of [1, 2]) client[end]();
    assertEquals(kernel.transports[0]!.closed, true);
    assertThrows(() => limitsOf(client), Error, "after close");
  }
});
