import type { ExtAck } from "../../codec/extack.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import {
  NetlinkError,
  NotFoundError,
  UnsupportedError,
} from "../../netlink/errors.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import {
  type Answer,
  FakeNamespace,
  type FakeTransport,
} from "../../testing/fake_namespace.ts";
import {
  ack,
  attr,
  type Bytes,
  done,
  message,
  NLMSG_ERROR,
  seqOf,
  u32,
} from "../helpers/netlink_bytes.ts";
import { golden } from "../helpers/golden.ts";
import { captured, script } from "../helpers/script.ts";
import { describing, open, SPEC, TestClient } from "./client.ts";

const EPERM = 1;
const EINVAL = 22;
const EOPNOTSUPP = 95;

Deno.test("a client looks up the family, and uses the number that it has", () => {
  const { request, answer } = captured("ctrl/getfamily");
  const reply = (answer[0] as Bytes).slice();
  const number = reply.toHex().indexOf("060001001c00") / 2 + 4;
  reply.set([0x34, 0x12], number);
  const namespace = new FakeNamespace(script([
    { request, answer: [reply] },
    {
      request: (bytes) => bytes[4] === 0x34 && bytes[5] === 0x12,
      answer: [message(0x1234, 0, 1, Uint8Array.of(6, 1, 0, 0))],
    },
  ]));
  const client = new TestClient(namespace);
  assertEquals(client.get(OPS["get-limits"], {}), {});
  assertEquals(namespace.transports.map(({ protocol }) => protocol), [16]);
});

Deno.test("a client says that the kernel has no such family, and closes its socket", () => {
  const { answer } = captured("ctrl/getfamily-unknown");
  const namespace = new FakeNamespace(script([{
    request: golden("ctrl/getfamily/request").bytes,
    answer,
  }]));
  const error = assertThrows(() => new TestClient(namespace), NotFoundError);
  assertEquals([error.what, error.message], ["family", SPEC.absent]);
  assertEquals(namespace.transports.map(({ closed }) => closed), [true]);
});

Deno.test("a client asks for the family that it is given, of the version that it has", () => {
  const kernel = new FakeKernel();
  const spec = { ...SPEC, name: "no_such_fam", absent: "none" };
  const error = assertThrows(
    () => new TestClient(kernel, spec),
    NotFoundError,
  );
  assertEquals(error.message, "none");
  assertEquals(
    kernel.sent[0]!.toHex().replace(/^(.{16})01/, "$102"),
    golden("ctrl/getfamily-unknown/request").bytes.toHex(),
  );
  const { request, answer } = captured("ctrl/getfamily");
  const old = (answer[0] as Bytes).slice();
  const version = old.toHex().indexOf("0800030001000000") / 2 + 4;
  old[version] = 7;
  const namespace = new FakeNamespace(script([
    { request, answer: [old] },
    { request: (bytes) => bytes[17] === 7, answer: [done(0)] },
  ]));
  new TestClient(namespace).dump(OPS["get-addr"], {});
});

Deno.test("a client passes on any other trouble with the look-up, and closes its socket", () => {
  const incomplete =
    "DecodeError: Cannot decode message: a family without id or name at byte 0";
  const rows: [Answer, string][] = [
    [
      (request) => [ack(request, EPERM)],
      "NetlinkError: Cannot getfamily: Operation not permitted (EPERM)\n" +
      "hint: getfamily 1 undefined",
    ],
    [
      // It is not known yet what the kernel knows.
      (request) => [ack(request, EOPNOTSUPP)],
      "NetlinkError: Cannot getfamily: Operation not supported " +
      "(EOPNOTSUPP)\nhint: getfamily 95 undefined",
    ],
    [
      (request) => [ack(request, 0)],
      "ProtocolError: Cannot getfamily: the kernel acknowledged but sent nothing",
    ],
    [() => [message(16, 0, 1, Uint8Array.of(1, 2, 0, 0))], incomplete],
    [() => [message(16, 0, 1)], incomplete],
    [
      () => [],
      "ProtocolError: Cannot getfamily: the kernel did not answer within 1000 ms",
    ],
    [
      () => [new SyscallError("recvfrom", 12, "receive")],
      "SyscallError: Cannot receive: Cannot allocate memory (recvfrom: ENOMEM)",
    ],
  ];
  for (const [answer, expected] of rows) {
    const namespace = new FakeNamespace(answer);
    const error = assertThrows(() => new TestClient(namespace), Error);
    assertEquals(`${error}`, expected);
    assertEquals(namespace.transports.map(({ closed }) => closed), [true]);
  }
});

Deno.test("a client sends exact sizes, nests with their flag, and zeros as padding", () => {
  const { client, kernel } = open();
  const addr = { family: 2, id: 255, addr4: "255.255.255.255", port: 65535 };
  // What an earlier, longer request left in the buffer must not show.
  assertThrows(() =>
    client.execute(OPS["announce"], {
      addr: { ...addr, flags: 0xffffffff, ifIdx: -1 },
      token: 0xffffffff,
    }), NetlinkError);
  assertThrows(
    () => client.execute(OPS["remove"], { token: 1, locId: 7 }),
    NetlinkError,
  );
  assertEquals(
    kernel.sent.map((request) => request.toHex()),
    [
      "500000001c0005000400000000000000" + "08010000" +
      "34000180" + "0600010002000000" + "05000200ff000000" +
      "08000300ffffffff" + "06000500ffff0000" + "08000600ffffffff" +
      "08000700ffffffff" + "08000400ffffffff",
      "240000001c0005000500000000000000" + "09010000" +
      "0800040001000000" + "0500050007000000",
    ],
  );
});

Deno.test("commands take the attributes that they have, and give those of their reply", () => {
  const { client } = open();
  const { subflows }: { subflows?: number | undefined } = client.get(
    OPS["get-limits"],
    {},
  );
  assertEquals(subflows, 2);
  // @ts-expect-error: the command has no such attribute.
  assertThrows(() => client.execute(OPS["remove"], { nonsense: 1 }));
  // @ts-expect-error: it is a number.
  assertThrows(() => client.execute(OPS["remove"], { locId: "1" }));
  // @ts-expect-error: it cannot be dumped.
  assertThrows(() => client.dump(OPS["get-limits"], {}));
});

Deno.test("a refusal is read whatever the options of the socket", () => {
  const full = 'limit greater than maximum (8) (EINVAL at ".rcv-add-addrs")';
  const rows: [extAck: boolean, capAck: boolean, reason: string][] = [
    [true, true, full],
    [true, false, full],
    [false, true, "Invalid argument (EINVAL)"],
    [false, false, "Invalid argument (EINVAL)"],
  ];
  for (const [extAck, capAck, reason] of rows) {
    const { client, kernel } = open();
    Object.assign(kernel.options, { extAck, capAck });
    const error = assertThrows(
      () => client.execute(OPS["set-limits"], { rcvAddAddrs: 9, subflows: 1 }),
      NetlinkError,
    );
    assertEquals(
      error.message,
      `Cannot set limits: ${reason}\nhint: ${error.hint}`,
    );
    assertEquals("extack" in error, extAck);
    assertEquals(
      error.hint,
      `set-limits 22 ${extAck ? ".rcv-add-addrs" : undefined}`,
    );
    assertEquals(client.get(OPS["get-limits"], {}).subflows, 2);
  }
});

Deno.test("a refusal names the attribute of its command", () => {
  const offset = (bytes: number) => attr(2, u32(bytes));
  const missing = (type: number) => attr(5, u32(type));
  const nest = (bytes: number) => attr(6, u32(bytes));
  // The request: .addr at 20, in it .family at 24, then .token.
  const rows: [Uint8Array[], ExtAck][] = [
    [[], {}],
    [[offset(24)], { attribute: ".addr.family", offset: 24 }],
    [[offset(48)], { attribute: ".token", offset: 48 }],
    [[offset(0)], { offset: 0 }],
    [[missing(6)], { attribute: ".addr-remote", missing: 6 }],
    [[missing(4), nest(20)], {
      attribute: ".addr",
      missing: 4,
      missingNest: 20,
    }],
  ];
  for (const [attrs, expected] of rows) {
    const { client } = open((_, request) => [
      message(
        NLMSG_ERROR,
        0x300,
        seqOf(request),
        u32(-EINVAL),
        request.subarray(0, 16),
        ...attrs,
      ),
    ]);
    const addr = { family: 2, addr4: "10.0.0.1", id: 1 };
    const error = assertThrows(
      () => client.execute(OPS["announce"], { addr, token: 1 }),
      NetlinkError,
    );
    assertEquals(error.extack, expected);
    assertEquals(error.hint, `announce 22 ${expected.attribute}`);
  }
});

Deno.test("a command that the kernel does not list needs a later one", () => {
  const kernel = describing([1, 3], {});
  const client = new TestClient(kernel);
  kernel.distort = (_, request) => [ack(request, EOPNOTSUPP)];
  const calls: [op: keyof typeof OPS, call: () => unknown][] = [
    ["flush-addrs", () => client.execute(OPS["flush-addrs"], {})],
    ["get-limits", () => client.get(OPS["get-limits"], {})],
    ["announce", () => client.execute(OPS["announce"], {})],
    ["add-addr", () => client.execute(OPS["add-addr"], {})],
    ["get-addr", () => client.dump(OPS["get-addr"], {})],
  ];
  for (const [op, call] of calls) {
    const { cmd, since } = OPS[op];
    const isKnown = [1, 3].includes(cmd);
    assertEquals(client.knows(OPS[op]), isKnown);
    const error = assertThrows(call, Error);
    const words = op.replace("-", " ");
    if (error instanceof UnsupportedError) assertEquals(error.since, since);
    assertEquals(
      `${error}`,
      isKnown
        ? `NetlinkError: Cannot ${words}: Operation not supported ` +
          `(EOPNOTSUPP)\nhint: ${op} 95 undefined`
        : `UnsupportedError: Cannot ${words}: this needs Linux ${since} or later`,
    );
  }
});

Deno.test("`filters()` is true if the kernel refuses a value in the midst of a dump", () => {
  const rows: [Answer, expected: boolean | string][] = [
    [(request) => [done(seqOf(request), EINVAL)], true],
    [(request) => [done(seqOf(request))], false],
    // Before it dumps it refuses attributes that it does not know.
    [(request) => [ack(request, EINVAL)], false],
    [(request) => [done(seqOf(request), EPERM)], "EPERM"],
    [(request) => [ack(request, EPERM)], "EPERM"],
    [() => [], "within 1000 ms"],
  ];
  for (const [answer, expected] of rows) {
    const { client, kernel } = open();
    const transport: FakeTransport = kernel.transports[0]!;
    kernel.distort = (_, request) => answer(request, transport);
    const ask = () => client.filters(OPS["get-addr"], { token: 0 });
    if (typeof expected === "boolean") assertEquals(ask(), expected);
    else assert(assertThrows(ask, Error).message.includes(expected));
  }
});

Deno.test("`subscribe()` joins the group that the kernel names, if there is one", () => {
  const kernel = describing([], { one: 5, other: 0x10000 });
  const client = new TestClient(kernel);
  for (const name of ["other", "one"]) client.subscribe(name);
  assertEquals(
    kernel.subscriptions.map(({ protocol, groups }) => [protocol, groups]),
    [[16, [0x10000]], [16, [5]]],
  );
  assertEquals(client.subscribe("mptcp_pm_events"), undefined);
  assertEquals(kernel.subscriptions.length, 2);
});
