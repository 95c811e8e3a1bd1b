/** What the kernel's refusals become, by those that were captured. */
import { assertEquals, assertThrows } from "@std/assert";
import { type OpName, OPS } from "../../codec/mptcp_pm.gen.ts";
import type { OpPolicy } from "../../codec/policy.ts";
import { isPermissionError, NetlinkError } from "../../netlink/errors.ts";
import { Client } from "../../ops/client.ts";
import { isConnectionGone } from "../../ops/connection_gone.ts";
import { ACTIONS, type Operation } from "../../ops/operation.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import { camelCased, golden, goldenNames } from "../helpers/golden.ts";
import { captured, script } from "../helpers/script.ts";

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
  const namespace = new FakeNamespace(script([
    captured("ctrl/getfamily"),
    { request: instead === undefined ? request : () => true, answer },
  ]));
  const client = new Client(namespace, () => {});
  const op = OPS[instead?.op ?? command!] as OpPolicy<object, unknown, object>;
  const values = instead?.attrs ?? camelCased(attrs ?? {});
  const isDump = (nlmsghdr.flags & 0x300) !== 0;
  const isDo = (nlmsghdr.flags & 4) !== 0;
  return assertThrows(
    () =>
      isDump
        ? client.dump(op, values)
        : isDo
        ? client.execute(op, values)
        : client.get(op, values),
    NetlinkError,
  );
}

for (const [name, reason, instead] of REFUSALS) {
  Deno.test(`an error has all that is in the refusal captured as ${name}`, () => {
    const error = refusal(name, instead);
    assertEquals(
      error.message,
      `Cannot ${ACTIONS[error.op as OpName]}: ${reason}` +
        (error.hint === undefined ? "" : `\nhint: ${error.hint}`),
    );
    const ack = goldenNames(`${name}/`).map(golden)
      .find(({ decoded }) => decoded.error !== undefined)!.decoded;
    assertEquals(error.errno, -ack.error!);
    assertEquals(error.code, reason.match(/\((E\w+)/)![1]);
    const { attribute, policy, ...rest } = error.extack ?? {};
    assertEquals(attribute, reason.match(/ at "(.*)"/)?.[1]);
    const { msg, offs, "miss-type": missType, ...hex } = ack.extack ?? {};
    assertEquals(policy !== undefined, "policy-hex" in hex);
    assertEquals(rest, {
      ...msg !== undefined && { message: msg },
      ...offs !== undefined && { offset: offs },
      ...missType !== undefined && { missing: missType },
    });
    assertEquals("extack" in error, ack.extack !== undefined);
    assertEquals(isPermissionError(error), name.startsWith("eperm/"));
    assertEquals(isConnectionGone(error), GONE.includes(name));
  });
}

/** Those that say that there is no connection with the token. */
const GONE = [
  "dump/done-with-error-invalid-token",
  "dump/token-0",
  "announce/err-invalid-token",
];

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

Deno.test("each operation has words for errors", () => {
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
  assertEquals(
    Object.keys(ACTIONS).toSorted(),
    [...Object.keys(OPS), "getfamily"].toSorted(),
  );
});
