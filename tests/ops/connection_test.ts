import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { Connection, type Warning } from "../../ops/connection.ts";
import {
  FamilyNotFoundError,
  NetlinkError,
  ProtocolError,
  SyscallError,
} from "../../ops/errors.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import {
  type Answer,
  type Delivery,
  type Distortion,
  FakeTransport,
} from "../../testing/fake_transport.ts";
import {
  attr,
  done,
  join,
  message,
  split,
  verdict,
} from "../../testing/netlink_bytes.ts";
import {
  HARMFUL,
  HARMLESS,
  interrupted,
  warned,
} from "../helpers/distortions.ts";
import { script } from "../helpers/script.ts";
import { golden } from "../helpers/golden.ts";
import { captured, conversation } from "./captured.ts";

const ENOBUFS = 105;
const TIMEOUT = "the kernel did not answer within 1000 ms";

const ignore = () => {};

/** A connection to what answers with what was captured. */
function replay(...names: string[]): Connection {
  return new Connection(
    new FakeTransport(script(conversation(...names))),
    ignore,
  );
}

/** A connection to a kernel with two endpoints, connected already. */
function open(distort?: Distortion): {
  connection: Connection;
  kernel: FakeKernel;
} {
  const kernel = new FakeKernel();
  const connection = new Connection(kernel, ignore);
  for (const last of [1, 2]) {
    const addr = { family: 2, addr4: `10.0.0.${last}`, flags: 2 } as const;
    connection.execute("add-addr", { addr });
  }
  kernel.sent.length = 0;
  if (distort !== undefined) kernel.distort = distort;
  return { connection, kernel };
}

const stored = (last: number) => ({
  addr: {
    family: 2,
    port: 0,
    id: last,
    flags: 2,
    addr4: `10.0.0.${last}`,
  },
});

const limits = { rcvAddAddrs: 0, subflows: 2 };

function assertUsable(connection: Connection): void {
  assertEquals(connection.get("get-limits", {}), limits);
  assertEquals(connection.dump("get-addr", {}), [stored(1), stored(2)]);
}

/** The sequence number of each request. */
const seqs = ({ sent }: FakeTransport) =>
  sent.map((request) => new DataView(request.buffer).getUint32(8, true));

Deno.test("`Connection` looks up the family and uses the number that it has", () => {
  const { request, answer } = captured("ctrl/getfamily");
  const reply = (answer[0] as Uint8Array<ArrayBuffer>).slice();
  const number = reply.toHex().indexOf("060001001c00") / 2 + 4;
  reply.set([0x34, 0x12], number);
  const transport = new FakeTransport(script([
    { request, answer: [reply] },
    {
      request: (bytes) => bytes[4] === 0x34 && bytes[5] === 0x12,
      answer: [message(0x1234, 0, 1, Uint8Array.of(6, 1, 0, 0))],
    },
  ]));
  const connection = new Connection(transport, ignore);
  assertEquals(connection.get("get-limits", {}), {});
});

Deno.test("`Connection` says that the kernel has no such family", () => {
  const { answer } = captured("ctrl/getfamily-unknown");
  const transport = new FakeTransport(script([{
    request: golden("ctrl/getfamily/request").bytes,
    answer,
  }]));
  const error = assertThrows(
    () => new Connection(transport, ignore),
    FamilyNotFoundError,
  );
  assertEquals(error.name, "FamilyNotFoundError");
  assertEquals(
    error.message,
    'Cannot find the netlink family "mptcp_pm": this kernel has no Multipath ' +
      "TCP path manager, which Linux has from 5.7 on if it was built with " +
      "CONFIG_MPTCP=y",
  );
});

Deno.test("`Connection` can be told another name of the family", () => {
  const transport = new FakeKernel();
  const error = assertThrows(
    () => new Connection(transport, ignore, "no_such_fam"),
    FamilyNotFoundError,
  );
  assert(error.message.includes('"no_such_fam"'));
  assertEquals(
    transport.sent[0]!.toHex().replace(/^(.{16})01/, "$102"),
    golden("ctrl/getfamily-unknown/request").bytes.toHex(),
  );
});

Deno.test("`Connection` passes on any other trouble with the look-up", () => {
  const rows: [Answer, name: string, text: string][] = [
    [
      (request) => [verdict(request, 1)],
      "NetlinkError",
      "Cannot look up mptcp_pm: Operation not permitted (EPERM)",
    ],
    [
      (request) => [verdict(request, 0)],
      "ProtocolError",
      "Cannot look up mptcp_pm: the kernel acknowledged but sent nothing",
    ],
    [
      () => [message(16, 0, 1, Uint8Array.of(1, 2, 0, 0))],
      "DecodeError",
      "Cannot decode message: a family without id or name at byte 0",
    ],
    [
      () => [message(16, 0, 1)],
      "DecodeError",
      "Cannot decode message: a family without id or name at byte 0",
    ],
    [() => [], "ProtocolError", `Cannot look up mptcp_pm: ${TIMEOUT}`],
  ];
  for (const [answer, name, text] of rows) {
    const error = assertThrows(
      () => new Connection(new FakeTransport(answer), ignore),
      Error,
    );
    assertEquals([error.name, error.message], [name, text]);
  }
});

Deno.test("`Connection` numbers requests from 1", () => {
  const kernel = new FakeKernel();
  const connection = new Connection(kernel, ignore);
  connection.get("get-limits", {});
  connection.execute("flush-addrs", {});
  connection.dump("get-addr", {});
  assertEquals(seqs(kernel), [1, 2, 3, 4]);
});

Deno.test("`Connection` goes on with 1 after the highest number", async () => {
  // The same module but for the number that it starts with.
  const url = new URL("../../ops/connection.ts", import.meta.url);
  const source = Deno.readTextFileSync(url)
    .replace("#seq = 0;", "#seq = 0xfffffffd;")
    .replaceAll(
      /from "(\.[^"]+)"/g,
      (_, path) => `from "${new URL(path, url)}"`,
    );
  assert(source.includes("0xfffffffd"));
  const path = Deno.makeTempFileSync({ suffix: ".ts" });
  const kernel = new FakeKernel();
  try {
    Deno.writeTextFileSync(path, source);
    const module: { Connection: typeof Connection } = await import(
      `file://${path}`
    );
    const connection = new module.Connection(kernel, ignore);
    for (let count = 0; count < 3; count++) connection.get("get-limits", {});
  } finally {
    Deno.removeSync(path);
  }
  assertEquals(seqs(kernel), [0xfffffffe, 0xffffffff, 1, 2]);
});

for (const [name, distort] of Object.entries(HARMLESS)) {
  Deno.test(`\`Connection\` takes ${name}`, () => {
    const { connection, kernel } = open(distort);
    assertUsable(connection);
    assertEquals(
      connection.get("get-addr", { addr: { id: 2 } }),
      stored(2),
    );
    connection.execute("set-limits", { subflows: 8 });
    assertEquals(kernel.limits.subflows, 8);
    const error = assertThrows(
      () => connection.execute("set-limits", { subflows: 9 }),
      NetlinkError,
    );
    assertEquals(error.extack?.attribute, ".subflows");
  });

  Deno.test(`\`Connection\` takes ${name} when it looks up the family`, () => {
    const kernel = new FakeKernel();
    kernel.distort = distort;
    assertEquals(
      new Connection(kernel, ignore).get("get-limits", {}),
      limits,
    );
  });
}

for (const [name, distort] of Object.entries(HARMFUL)) {
  Deno.test(`\`Connection\` throws at ${name}, and is usable after it`, () => {
    const calls: ((connection: Connection) => unknown)[] = [
      (connection) => connection.get("get-limits", {}),
      (connection) => connection.dump("get-addr", {}),
      (connection) => connection.execute("flush-addrs", {}),
    ];
    // An ack has no attributes.
    if (name.startsWith("an attribute")) calls.pop();
    for (const call of calls) {
      const { connection, kernel } = open(distort);
      const error = assertThrows(() => call(connection), Error);
      assert(
        error instanceof ProtocolError || error instanceof DecodeError,
        `${error}`,
      );
      kernel.distort = (answer) => answer;
      assertEquals(connection.get("get-limits", {}), limits);
      connection.dump("get-addr", {});
      assertEquals(kernel.unread, []);
    }
  });

  Deno.test(`\`Connection\` throws at ${name} when it looks up the family`, () => {
    const kernel = new FakeKernel();
    kernel.distort = distort;
    const error = assertThrows(() => new Connection(kernel, ignore), Error);
    assert(
      error instanceof ProtocolError || error instanceof DecodeError,
      `${error}`,
    );
  });
}

Deno.test("`Connection` says where the bytes are wrong", () => {
  const rows: [string, Delivery, string][] = [
    [
      "a scalar without payload",
      message(28, 0, 0, Uint8Array.of(6, 1, 0, 0), attr(2)),
      'Cannot decode attribute ".rcv-add-addrs": 0 bytes, but u32 has 4 at ' +
      "byte 8",
    ],
    [
      "a scalar that is too wide",
      message(
        28,
        0,
        0,
        Uint8Array.of(6, 1, 0, 0),
        attr(3, new Uint8Array(8)),
      ),
      'Cannot decode attribute ".subflows": 8 bytes, but u32 has 4 at byte 8',
    ],
    [
      "an attribute that is longer than the message",
      message(28, 0, 0, Uint8Array.of(6, 1, 0, 0, 9, 0, 2, 0, 1, 0, 0, 0)),
      "Cannot decode message: attribute length 9, but 4 to 8 is possible at " +
      "byte 4",
    ],
    [
      "a message that is longer than the datagram",
      golden("get-limits/default/reply").bytes.slice(0, 32),
      "Cannot decode message: message length 36, but 16 to 32 is possible at " +
      "byte 0",
    ],
  ];
  for (const [name, delivery, text] of rows) {
    const { request } = captured("get-limits/default");
    const transport = new FakeTransport(
      script([
        captured("ctrl/getfamily"),
        { request, answer: [delivery] },
      ]),
    );
    const connection = new Connection(transport, ignore);
    const error = assertThrows(
      () => connection.get("get-limits", {}),
      DecodeError,
    );
    assertEquals(error.message, text, name);
  }
});

Deno.test("`get()` takes neither an ack nor the end of a dump for a reply", () => {
  const rows: Answer[] = [
    (request) => [verdict(request, 0)],
    (request) => [done(request[8]!)],
  ];
  for (const answer of rows) {
    const { connection, kernel } = open((_, request) => answer(request));
    const error = assertThrows(
      () => connection.get("get-limits", {}),
      ProtocolError,
    );
    assertEquals(
      error.message,
      "Cannot get limits: the kernel acknowledged but sent nothing",
    );
    kernel.distort = (answer) => answer;
    assertUsable(connection);
  }
});

Deno.test("`get()` skips the ack that follows a reply", () => {
  const transport = new FakeTransport(script([
    captured("ctrl/getfamily"),
    {
      request: golden("get-limits/default/request").bytes,
      answer: captured("get-limits/with-ack").answer,
    },
    captured("get-limits/default"),
  ]));
  const connection = new Connection(transport, ignore);
  assertEquals(connection.get("get-limits", {}), limits);
  assertEquals(connection.get("get-limits", {}), limits);
});

Deno.test("`execute()` waits for the ack of a command that is answered too", () => {
  const { connection, kernel } = open((answer, request) => [
    message(28, 0, request[8]!, Uint8Array.of(5, 1, 0, 0)),
    ...answer,
  ]);
  connection.execute("flush-addrs", {});
  assertEquals(kernel.unread, []);
  assertEquals(kernel.endpoints, []);
});

Deno.test("`dump()` reads on until the end, however it is delivered", () => {
  const { request } = captured("get-addr/dump-7");
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
    const transport = new FakeTransport(
      script([captured("ctrl/getfamily"), { request, answer }]),
    );
    const addresses = new Connection(transport, ignore).dump("get-addr", {})
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
    assertEquals(transport.unread, []);
  }
});

Deno.test("`dump()` throws the error at its end", () => {
  const connection = replay("dump/done-with-error-invalid-token");
  const error = assertThrows(
    () => connection.dump("get-addr", { token: 0xdead }),
    NetlinkError,
  );
  assertEquals(
    error.message,
    'Cannot get address: invalid token (EINVAL at ".token")',
  );
});

Deno.test("`dump()` throws an error at its end although there were replies", () => {
  const { connection, kernel } = open((answer, request) => [
    answer[0],
    done(request[8]!, 12),
  ]);
  const error = assertThrows(
    () => connection.dump("get-addr", {}),
    NetlinkError,
  );
  assertEquals(
    error.message,
    "Cannot get address: Cannot allocate memory (ENOMEM)",
  );
  kernel.distort = (answer) => answer;
  assertUsable(connection);
});

Deno.test("`dump()` takes an end without error number", () => {
  const { connection } = open((answer, request) => [
    answer[0],
    message(3, 2, request[8]!),
  ]);
  assertEquals(connection.dump("get-addr", {}).length, 2);
});

Deno.test("`dump()` asks again while the table changes, five times in all", () => {
  for (const times of [1, 4]) {
    const { connection, kernel } = open((answer, request) =>
      kernel.sent.length <= times ? interrupted(answer, request) : answer
    );
    const replies = connection.dump("get-addr", {});
    assertEquals(replies, [stored(1), stored(2)]);
    assertEquals(kernel.sent.length, times + 1);
    assertEquals(new Set(seqs(kernel)).size, times + 1);
  }
  const { connection, kernel } = open(interrupted);
  const error = assertThrows(
    () => connection.dump("get-addr", {}),
    ProtocolError,
  );
  assertEquals(error.name, "ProtocolError");
  assertEquals(
    error.message,
    "Cannot get address: the table changed during each of 5 dumps",
  );
  assertEquals(kernel.sent.length, 5);
  kernel.distort = (answer) => answer;
  assertUsable(connection);
});

Deno.test("`dump()` takes one mark among several messages for a change", () => {
  const { connection, kernel } = open((answer, request) => {
    if (kernel.sent.length > 1) return answer;
    const [first, ...rest] = answer.flatMap((delivery) =>
      delivery instanceof Uint8Array ? split(delivery) : []
    );
    return [...interrupted([first], request), ...rest];
  });
  assertEquals(connection.dump("get-addr", {}).length, 2);
  assertEquals(kernel.sent.length, 2);
});

Deno.test("`Connection` reads a broken-off dump to its end before it sends again", () => {
  const { connection, kernel } = open((answer, request) => {
    const messages = answer.flatMap((delivery) =>
      delivery instanceof Uint8Array ? split(delivery) : []
    );
    // The second of three datagrams has an attribute of length 1.
    return kernel.sent.length > 1 ? messages : [
      messages[0],
      message(28, 2, request[8]!, Uint8Array.of(3, 1, 0, 0, 1, 0, 1, 0)),
      messages[1],
      messages[2],
    ];
  });
  assertThrows(() => connection.dump("get-addr", {}), DecodeError);
  assertEquals(kernel.unread.length, 2);
  // The kernel answers EBUSY to a dump while another one goes on.
  assertEquals(connection.dump("get-addr", {}), [stored(1), stored(2)]);
});

Deno.test("`Connection` reads what a failed receipt left before it sends again", () => {
  const overrun = new SyscallError("recvfrom", ENOBUFS, "receive");
  for (const position of [0, 1]) {
    const { connection, kernel } = open((answer) =>
      kernel.sent.length > 1 ? answer : answer.toSpliced(position, 0, overrun)
    );
    const error = assertThrows(() => connection.dump("get-addr", {}));
    assertStrictEquals(error, overrun);
    assertUsable(connection);
  }
});

Deno.test("`Connection` reads nothing in vain after a complete answer", () => {
  const { connection, kernel } = open();
  const calls: (() => unknown)[] = [
    () => connection.get("get-limits", {}),
    () => connection.dump("get-addr", {}),
    () => connection.execute("set-limits", { subflows: 1 }),
    () => assertThrows(() => connection.get("get-addr", { addr: { id: 99 } })),
    () => assertThrows(() => connection.dump("get-addr", { token: 1 })),
  ];
  const { receive } = kernel;
  kernel.receive = () => {
    assert(kernel.unread.length > 0, "nothing is there");
    return receive.call(kernel);
  };
  for (const call of [...calls, ...calls]) call();
});

Deno.test("`Connection` passes on what prevents that, and is usable after it", () => {
  const overrun = new SyscallError("recvfrom", ENOBUFS, "receive");
  const { connection, kernel } = open((answer) =>
    kernel.sent.length > 1 ? answer : [overrun, overrun, ...answer]
  );
  for (const _ of [1, 2]) {
    const error = assertThrows(() => connection.dump("get-addr", {}));
    assertStrictEquals(error, overrun);
  }
  assertUsable(connection);
});

Deno.test("`Connection` skips a reply that comes after its time", () => {
  const { connection, kernel } = open(() => []);
  const error = assertThrows(
    () => connection.get("get-limits", {}),
    ProtocolError,
  );
  assertEquals(error.message, `Cannot get limits: ${TIMEOUT}`);
  const late = golden("get-limits/default/reply").bytes;
  late.set(kernel.sent.at(-1)!.subarray(8, 12), 8);
  late[24] = 99;
  kernel.distort = (answer) =>
    kernel.sent.length > 2 ? answer : [
      late,
      ...answer,
    ];
  assertUsable(connection);
});

Deno.test("`Connection` waits for a second in all", () => {
  const { connection, kernel } = open(() => []);
  assertThrows(() => connection.get("get-limits", {}), ProtocolError);
  assertEquals(kernel.waits.length, 1);
  assert(kernel.waits[0]! > 500 && kernel.waits[0]! <= 1000);
});

Deno.test("`Connection` gives up when waits end again and again for nothing", () => {
  const { connection, kernel } = open(() => Array(100).fill(undefined));
  const { now } = performance;
  let time = 0;
  performance.now = () => time += 100;
  try {
    const error = assertThrows(
      () => connection.get("get-limits", {}),
      ProtocolError,
    );
    assertEquals(error.message, `Cannot get limits: ${TIMEOUT}`);
  } finally {
    performance.now = now;
  }
  assertEquals(kernel.waits, [900, 800, 700, 600, 500, 400, 300, 200, 100]);
});

Deno.test("`Connection` reads a refusal whatever the options of the socket", () => {
  const rows: [extAck: boolean, capAck: boolean, reason: string][] = [
    [true, true, 'limit greater than maximum (8) (EINVAL at ".rcv-add-addrs")'],
    [
      true,
      false,
      'limit greater than maximum (8) (EINVAL at ".rcv-add-addrs")',
    ],
    [false, true, "Invalid argument (EINVAL)"],
    [false, false, "Invalid argument (EINVAL)"],
  ];
  for (const [extAck, capAck, reason] of rows) {
    const { connection, kernel } = open();
    Object.assign(kernel.options, { extAck, capAck });
    const error = assertThrows(
      () => connection.execute("set-limits", { rcvAddAddrs: 9, subflows: 1 }),
      NetlinkError,
    );
    assertEquals(error.message, `Cannot set limits: ${reason}`);
    assertEquals("extack" in error, extAck);
    assertUsable(connection);
  }
});

Deno.test("`Connection` hands on the warning of a success", () => {
  const warnings: Warning[] = [];
  const kernel = new FakeKernel();
  const connection = new Connection(kernel, (one) => warnings.push(one));
  const { bytes } = golden("add-addr/ok-with-extack-warning/ack");
  kernel.distort = (_, request) => {
    bytes.set(request.subarray(8, 12), 8);
    return [bytes];
  };
  connection.execute("flush-addrs", {});
  kernel.distort = warned("mind the gap");
  connection.execute("set-limits", { subflows: 1 });
  kernel.distort = (_, request) => [
    done(request[8]!, 0, { message: "that was all" }),
  ];
  connection.dump("get-addr", {});
  kernel.distort = (answer) => answer;
  connection.execute("flush-addrs", {});
  assertEquals(warnings, [
    {
      op: "flush-addrs",
      message: "bytes leftover after parsing attributes",
    },
    { op: "set-limits", message: "mind the gap" },
    { op: "get-addr", message: "that was all" },
  ]);
});

Deno.test("`Connection` takes a failed send for what it is", () => {
  const { connection, kernel } = open();
  const failure = new SyscallError("send", ENOBUFS, "send");
  kernel.distort = () => {
    throw failure;
  };
  const error = assertThrows(() => connection.execute("flush-addrs", {}));
  assertStrictEquals(error, failure);
  assertInstanceOf(error, SyscallError);
  kernel.distort = (answer) => answer;
  assertEquals(connection.get("get-limits", {}), limits);
});

Deno.test("`Connection` sends exact sizes, nests with their flag, zero padding", () => {
  const { connection, kernel } = open();
  const addr = { id: 255, addr4: "255.255.255.255", family: 2, port: 65535 };
  // What an earlier, longer request left in the buffer must not show.
  assertThrows(() =>
    connection.execute("announce", {
      addr: { ...addr, flags: 0xffffffff, ifIdx: -1 },
      token: 0xffffffff,
    }), NetlinkError);
  assertThrows(
    () => connection.execute("remove", { token: 1, locId: 7 }),
    NetlinkError,
  );
  assertEquals(
    kernel.sent[1]!.toHex(),
    "240000001c0005000500000000000000" + "09010000" +
      "0800040001000000" + "0500050007000000",
  );
});
