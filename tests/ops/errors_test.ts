import { assert, assertEquals, assertThrows } from "@std/assert";
import { type OpName, OPS } from "../../codec/mptcp_pm.gen.ts";
import { Connection } from "../../ops/connection.ts";
import {
  ACTIONS,
  EndpointNotFoundError,
  explain,
  type Explanation,
  NetlinkError,
  type Operation,
  ProtocolError,
  SyscallError,
} from "../../ops/errors.ts";
import { FakeTransport } from "../../testing/fake_transport.ts";
import { script } from "../helpers/script.ts";
import { camelCased, golden, goldenNames } from "../helpers/golden.ts";
import { captured } from "./captured.ts";

const ipv4 = { family: 2, addr4: "10.1.1.1" } as const;
const MISSING = "a mandatory attribute is missing";
const POLICY = "Attribute failed policy validation";
const DUPLICATE = "too many addresses or duplicate one";
const PORT_FLAGS = "flags must have signal and not subflow when using port";

/**
 * Captured refusals: what the message says behind `Cannot …: `. Requests that
 * cannot be made here have something in their place.
 */
const REFUSALS: readonly (readonly [
  name: string,
  reason: string,
  instead?: { op?: OpName; attrs: object },
])[] = [
  [
    "set-limits/too-high",
    'limit greater than maximum (8) (EINVAL at ".subflows")',
  ],
  ["set-limits/short-attr", `${POLICY} (ERANGE at ".rcv-add-addrs")`, {
    attrs: { rcvAddAddrs: 1 },
  }],
  ["get-addr/do-missing-addr", `${MISSING} (EINVAL at ".addr")`],
  ["get-addr/do-not-found", 'address not found (EINVAL at ".addr")'],
  ["add-addr/err-missing-addr", `${MISSING} (EINVAL at ".addr")`],
  ["add-addr/err-missing-family", 'missing family (EINVAL at ".addr")'],
  ["add-addr/err-bad-family", 'unknown address family (EINVAL at ".addr")'],
  ["add-addr/err-missing-data", 'missing address data (EINVAL at ".addr")'],
  ["add-addr/err-family-u8", `${POLICY} (ERANGE at ".addr.family")`, {
    attrs: { addr: ipv4 },
  }],
  [
    "add-addr/err-addr6-15-bytes",
    'binary attribute size out of range (ERANGE at ".addr.addr6")',
    { attrs: { addr: { family: 10, addr6: "::" } } },
  ],
  ["add-addr/err-duplicate-address", `${DUPLICATE}: -17 (EEXIST)`],
  ["add-addr/err-duplicate-id", `${DUPLICATE}: -16 (EBUSY)`],
  ["add-addr/err-port-without-signal", `${PORT_FLAGS} (EINVAL at ".addr")`],
  [
    "add-addr/err-signal-fullmesh",
    'flags mustn\'t have both signal and fullmesh (EINVAL at ".addr")',
  ],
  [
    "add-addr/err-implicit",
    'can\'t create IMPLICIT endpoint (EINVAL at ".addr")',
  ],
  [
    "add-addr/err-listen-eaddrnotavail",
    "create listen socket error: -99 (EADDRNOTAVAIL)",
  ],
  [
    "add-addr/err-listen-eaddrinuse",
    "create listen socket error: -98 (EADDRINUSE)",
  ],
  ["add-addr/err-endpoint-table-full", `${DUPLICATE}: -34 (ERANGE)`],
  ["set-flags/err-missing-addr", `${MISSING} (EINVAL at ".addr")`],
  ["set-flags/err-missing-id", 'missing address ID (EOPNOTSUPP at ".addr")'],
  ["set-flags/err-not-found", 'address not found (EINVAL at ".addr")'],
  [
    "set-flags/err-fullmesh-on-signal",
    'invalid addr flags (EINVAL at ".addr")',
  ],
  ["del-addr/err-not-found", 'address not found (EINVAL at ".addr")'],
  ["del-addr/err-missing-addr", `${MISSING} (EINVAL at ".addr")`],
  ["unknown-command", "Operation not supported (EOPNOTSUPP)", {
    op: "announce",
    attrs: {},
  }],
  ["dump/err-unknown-attr", 'Unknown attribute type (EINVAL at ".token")', {
    attrs: { token: 1 },
  }],
  [
    "dump/err-missing-nested-flag",
    'NLA_F_NESTED is missing (EINVAL at ".addr")',
    { attrs: { addr: { id: 1 } } },
  ],
  ["dump/err-unsupported-op", "Operation not supported (EOPNOTSUPP)"],
  [
    "dump/done-with-error-invalid-token",
    'invalid token (EINVAL at ".token")',
  ],
  ["dump/token-0", 'invalid token (EINVAL at ".token")'],
  ["ack-variants/no-ext-no-cap-error", "Invalid argument (EINVAL)"],
  [
    "ack-variants/ext-no-cap-error",
    'unknown address family (EINVAL at ".addr")',
  ],
  ["ack-variants/cap-no-ext-error", "Invalid argument (EINVAL)"],
  ["eperm/add-addr", "Operation not permitted (EPERM)"],
  ["eperm/flush-addrs", "Operation not permitted (EPERM)"],
  [
    "announce/err-kernel-pm-connection",
    'userspace PM not selected (EINVAL at ".token")',
  ],
  ["announce/err-invalid-token", 'invalid token (EINVAL at ".token")'],
  ["announce/err-missing-addr", `${MISSING} (EINVAL at ".addr")`],
  ["announce/err-missing-token", `${MISSING} (EINVAL at ".token")`],
  ["announce/err-id0", 'invalid addr id (EINVAL at ".addr")'],
  ["announce/err-no-signal", 'invalid addr flags (EINVAL at ".addr")'],
  [
    "announce/err-id-address-mismatch",
    'did not match address and id (EINVAL at ".addr")',
  ],
  [
    "subflow-create/err-missing-remote",
    `${MISSING} (EINVAL at ".addr-remote")`,
  ],
  ["subflow-create/err-signal-flag", 'invalid addr flags (EINVAL at ".addr")'],
  ["subflow-create/err-families", "families mismatch (EINVAL)"],
  [
    "subflow-create/err-id-address-mismatch",
    'did not match address and id (EINVAL at ".addr")',
  ],
  [
    "subflow-create/err-connect-eaddrnotavail",
    "connect error: -99 (EADDRNOTAVAIL)",
  ],
  ["subflow-create/err-connect-enodev", "connect error: -19 (ENODEV)"],
  [
    "set-flags/token-err-missing-remote",
    `${MISSING} (EINVAL at ".addr-remote")`,
  ],
  [
    "set-flags/token-err-no-local-family",
    'invalid local address family (EINVAL at ".addr")',
  ],
  ["set-flags/token-err-subflow-not-found", "subflow not found (EINVAL)"],
  [
    "subflow-destroy/err-missing-local-port",
    'missing local port (EINVAL at ".addr")',
  ],
  [
    "subflow-destroy/err-missing-remote-port",
    'missing remote port (EINVAL at ".addr-remote")',
  ],
  ["subflow-destroy/err-families", "address families do not match (EINVAL)"],
  ["subflow-destroy/err-not-found", "subflow not found (ESRCH)"],
  [
    "remove/err-not-found",
    'address with id 31 not found (EINVAL at ".loc-id")',
  ],
  ["remove/err-missing-loc-id", `${MISSING} (EINVAL at ".loc-id")`],
  ["remove/err-missing-token", `${MISSING} (EINVAL at ".token")`],
  [
    "ip/limits-set-too-high",
    'limit greater than maximum (8) (EINVAL at ".subflows")',
  ],
  ["ip/endpoint-add-duplicate", `${DUPLICATE}: -17 (EEXIST)`, {
    attrs: { addr: ipv4 },
  }],
  ["ip/endpoint-change-not-found", 'address not found (EINVAL at ".addr")'],
  ["ip/endpoint-show-id-not-found", 'address not found (EINVAL at ".addr")'],
  ["ip/endpoint-delete-not-found", 'address not found (EINVAL at ".addr")'],
];

/** Repeats a captured request, and returns how it is refused. */
function refusal(
  name: string,
  instead: { op?: OpName; attrs: object } | undefined,
): NetlinkError {
  const { request, answer } = captured(name);
  const { command, attrs, nlmsghdr } = golden(`${name}/request`).decoded;
  const transport = new FakeTransport(script([
    captured("ctrl/getfamily"),
    { request: instead === undefined ? request : () => true, answer },
  ]));
  const connection = new Connection(transport, () => {});
  const op = instead?.op ?? command!;
  const values = instead?.attrs ?? camelCased(attrs ?? {});
  const isDump = (nlmsghdr.flags & 0x300) !== 0;
  const isDo = (nlmsghdr.flags & 4) !== 0;
  return assertThrows(
    () =>
      isDump
        ? connection.dump(op as "get-addr", values)
        : isDo
        ? connection.execute(op, values)
        : connection.get(op, values),
    NetlinkError,
  );
}

for (const [name, reason, instead] of REFUSALS) {
  Deno.test(`\`NetlinkError\` tells the refusal captured as ${name}`, () => {
    const error = refusal(name, instead);
    assertEquals(
      error.message,
      `Cannot ${ACTIONS[error.op as OpName]}: ${reason}`,
    );
    assertEquals(error.name, "NetlinkError");
    const verdict = goldenNames(`${name}/`).map(golden)
      .find(({ decoded }) => decoded.error !== undefined)!.decoded;
    assertEquals(error.errno, -verdict.error!);
    assertEquals(error.code, reason.match(/\((E\w+)/)![1]);
    const { attribute, ...rest } = error.extack ?? {};
    assertEquals(attribute, reason.match(/ at "(.*)"/)?.[1]);
    const { msg, offs, "miss-type": missType } = verdict.extack ?? {};
    assertEquals(rest, {
      ...msg !== undefined && { message: msg },
      ...offs !== undefined && { offset: offs },
      ...missType !== undefined && { missing: missType },
    });
    assertEquals("extack" in error, verdict.extack !== undefined);
  });
}

Deno.test("all captured refusals of commands are in the table", () => {
  const refused = goldenNames().filter((name) => {
    const { error } = golden(name).decoded;
    return error !== undefined && error !== 0 && !name.startsWith("ctrl/");
  });
  assertEquals(
    refused.map((name) => name.slice(0, name.lastIndexOf("/"))).toSorted(),
    REFUSALS.map(([name]) => name).toSorted(),
  );
});

Deno.test("`ACTIONS` has words for each operation", () => {
  const expected: Record<Operation, string> = {
    "add-addr": "add address",
    "del-addr": "delete address",
    "get-addr": "get address",
    "flush-addrs": "flush addresses",
    "set-limits": "set limits",
    "get-limits": "get limits",
    "set-flags": "set flags",
    "announce": "announce address",
    "remove": "remove address",
    "subflow-create": "create subflow",
    "subflow-destroy": "destroy subflow",
    "getfamily": "look up mptcp_pm",
  };
  assertEquals(ACTIONS, expected);
  const operations = [...Object.keys(OPS), "getfamily"] as Operation[];
  for (const op of operations) {
    assertEquals(
      new NetlinkError(op, 22).message,
      `Cannot ${expected[op]}: Invalid argument (EINVAL)`,
    );
  }
});

const EINVAL = 22;
const OUT_OF_TOKEN = "a token belongs to one network namespace, ends with " +
  "its connection, and takes commands only if the connection was made while " +
  "net.mptcp.path_manager was userspace, or net.mptcp.pm_type 1 before " +
  "Linux 6.15";
const OLDER = `; before Linux 6.17 it may be the token: ${OUT_OF_TOKEN}`;
const PRIVILEGE = "CAP_NET_ADMIN is needed in the user namespace that owns " +
  "this network namespace: try as root";
const KEEPS_ID = "an address keeps its id: give the one that it is known by";

/** What is said besides: for each cause, the hint or that there is none. */
const HINTS: readonly (readonly [
  op: Operation,
  errno: number,
  extack: Explanation | undefined,
  hint: string | undefined,
])[] = [
  ["add-addr", 17, { message: "-17" }, "the address is an endpoint already"],
  ["add-addr", 16, { message: "-16" }, "the id belongs to another endpoint"],
  [
    "add-addr",
    34,
    { message: "-34" },
    "the table is full: delete an endpoint first",
  ],
  ["add-addr", 34, { attribute: ".addr.family", offset: 24 }, undefined],
  [
    "add-addr",
    99,
    undefined,
    "an endpoint with a port is listened on, so its address must be on this " +
    "host; to announce an address behind NAT leave the port out",
  ],
  ["add-addr", 98, undefined, "something listens on this port already"],
  ["add-addr", EINVAL, { attribute: ".addr", offset: 20 }, undefined],
  ["add-addr", 1, undefined, PRIVILEGE],
  ["getfamily", 1, undefined, PRIVILEGE],
  ["getfamily", 95, undefined, undefined],
  ["set-flags", 95, undefined, "set-flags needs Linux 5.12 or later"],
  ["announce", 95, undefined, "announce needs Linux 5.19 or later"],
  ["get-limits", 95, undefined, "get-limits needs Linux 5.7 or later"],
  ["set-flags", 95, { message: "missing address ID" }, undefined],
  ["set-flags", EINVAL, { attribute: ".addr" }, undefined],
  ["set-flags", EINVAL, { attribute: ".addr-remote" }, undefined],
  ["set-flags", EINVAL, { attribute: ".token" }, OUT_OF_TOKEN],
  ["get-addr", EINVAL, { attribute: ".token" }, OUT_OF_TOKEN],
  ["announce", EINVAL, { attribute: ".token" }, OUT_OF_TOKEN],
  ["announce", EINVAL, { attribute: ".token", missing: 4 }, undefined],
  [
    "announce",
    EINVAL,
    { attribute: ".addr" },
    "an address keeps the id that it was first announced with",
  ],
  [
    "announce",
    EINVAL,
    { message: "did not match address and id" },
    `an address keeps the id that it was first announced with${OLDER}`,
  ],
  [
    "remove",
    EINVAL,
    { attribute: ".loc-id" },
    "no address was announced with this id",
  ],
  [
    "remove",
    EINVAL,
    { message: "address with specified id not found" },
    `no address was announced with this id${OLDER}`,
  ],
  ["subflow-create", EINVAL, { attribute: ".addr" }, KEEPS_ID],
  [
    "subflow-create",
    EINVAL,
    { message: "families mismatch" },
    "both addresses are of one family, which is that of the connection" +
    OLDER,
  ],
  [
    "subflow-create",
    107,
    undefined,
    "subflows are possible once data has been exchanged, and not on a " +
    "connection that fell back to TCP",
  ],
  [
    "subflow-create",
    99,
    undefined,
    "the local address is not on this host",
  ],
  ["subflow-create", 19, undefined, "there is no such device"],
  ["subflow-create", 101, undefined, undefined],
  [
    "subflow-destroy",
    3,
    undefined,
    "the addresses are written as the subflow's socket has them: an IPv4 " +
    "client of a dual-stack server is ::ffff:a.b.c.d there",
  ],
  ["set-limits", EINVAL, { attribute: ".subflows" }, undefined],
];

Deno.test("`NetlinkError` hints at what the kernel leaves open", () => {
  for (const [op, errno, extack, hint] of HINTS) {
    const error = new NetlinkError(op, errno, extack);
    assertEquals(error.hint, hint, `${op} ${errno} ${extack?.attribute}`);
    assertEquals("hint" in error, hint !== undefined);
    assertEquals(error.message.includes(`${hint}`), false);
  }
});

Deno.test("`NetlinkError` has no hint that no row reaches", () => {
  const source = Deno.readTextFileSync(
    new URL("../../ops/hints.ts", import.meta.url),
  );
  const keys = [
    ...source.matchAll(/^ {2}"([a-z-]+ E\w+)(?: (\.[a-z-]+))?":/gm),
  ];
  assert(keys.length > 10);
  const unreached = keys.filter(([, key, attribute]) =>
    !HINTS.some(([op, errno, extack, hint]) =>
      `${op} ${new NetlinkError(op, errno).code}` === key &&
      (attribute === undefined || extack?.attribute === attribute) &&
      hint !== undefined
    )
  );
  assertEquals(unreached.map(([line]) => line), []);
});

Deno.test("`NetlinkError` puts what was found out before the general hint", () => {
  const error = new NetlinkError("add-addr", 17, {}, "it has id 5");
  assert(error.hint?.startsWith("it has id 5"), error.hint);
  const bare = new NetlinkError("flush-addrs", 12, undefined, "found");
  assertEquals(bare.hint, "found");
});

Deno.test("`NetlinkError` keeps numbers that have no name", () => {
  const error = new NetlinkError("announce", 4000);
  assertEquals(error.errno, 4000);
  assertEquals(error.code, "E4000");
  assertEquals(
    error.message,
    "Cannot announce address: Unknown error 4000 (E4000)",
  );
});

Deno.test("`explain()` leaves out what the kernel left out", () => {
  const nameAt = (offset: number) => `.at-${offset}`;
  const nameOf = (type: number) => `.number-${type}`;
  const none = () => undefined;
  const rows: [Parameters<typeof explain>, Explanation][] = [
    [[{}, nameAt, nameOf], {}],
    [[{ message: "no" }, nameAt, nameOf], { message: "no" }],
    [[{ offset: 20 }, nameAt, nameOf], { attribute: ".at-20", offset: 20 }],
    [[{ offset: 0 }, none, none], { offset: 0 }],
    [[{ missing: 4 }, nameAt, nameOf], { attribute: ".number-4", missing: 4 }],
    [[{ missing: 99 }, none, none], { missing: 99 }],
    // Malformed nests are reported as "left over", and missing themselves.
    [[{ message: "left over", offset: 20, missing: 1 }, nameAt, nameOf], {
      message: "left over",
      attribute: ".number-1",
      offset: 20,
      missing: 1,
    }],
    [[{ policy: { type: 2 } }, nameAt, nameOf], {}],
  ];
  for (const [args, expected] of rows) assertEquals(explain(...args), expected);
});

Deno.test("`explain()` names no attribute of the top level that is missing in a nest", () => {
  const { attribute } = explain(
    { missing: 4, missingNest: 20 },
    (offset) => `.at-${offset}`,
    () => ".token",
  );
  assertEquals(attribute, ".at-20");
});

Deno.test("other errors carry their names and what they are about", () => {
  const missing = new EndpointNotFoundError("del-addr", "no endpoint is ::1");
  assertEquals(missing.name, "EndpointNotFoundError");
  assertEquals(missing.op, "del-addr");
  assertEquals(missing.message, "Cannot delete address: no endpoint is ::1");
  assertEquals(new ProtocolError("what").name, "ProtocolError");
  assertEquals(
    new SyscallError("socket", 24, "open a netlink socket").message,
    "Cannot open a netlink socket: Too many open files (socket: EMFILE)",
  );
});
