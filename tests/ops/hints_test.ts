import { assert, assertEquals } from "@std/assert";
import { errnoName } from "../../codec/errno.ts";
import type { ExtAck } from "../../codec/extack.ts";
import { hintFor } from "../../ops/hints.ts";
import type { Operation } from "../../ops/operation.ts";

const EINVAL = 22;
const OUT_OF_TOKEN = "a token belongs to one network namespace, ends with " +
  "its connection, and takes commands only if the connection was made while " +
  "net.mptcp.path_manager was userspace, or net.mptcp.pm_type 1 before " +
  "Linux 6.15";
const OLDER = `; before Linux 6.17 it may be the token: ${OUT_OF_TOKEN}`;
const PRIVILEGE = "CAP_NET_ADMIN is needed in the user namespace that owns " +
  "this network namespace: try as root";
const KEEPS_ID = "an address and its local port keep their id, and an absent " +
  "id is 0: give both as before, or an id that is free";

/** The hint for each cause; `undefined`: there is none. */
const HINTS: readonly (readonly [
  op: Operation,
  errno: number,
  extack: ExtAck | undefined,
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

Deno.test("`hintFor()` says what the kernel leaves open", () => {
  for (const [op, errno, extack, hint] of HINTS) {
    assertEquals(
      hintFor(op, errno, extack),
      hint,
      `${op} ${errno} ${extack?.attribute}`,
    );
  }
});

Deno.test("there is no hint that no row reaches", () => {
  const source = Deno.readTextFileSync(
    new URL("../../ops/hints.ts", import.meta.url),
  );
  const keys = [
    ...source.matchAll(/^ {2}"([a-z-]+ E\w+)(?: (\.[a-z-]+))?":/gm),
  ];
  assert(keys.length > 10);
  const unreached = keys.filter(([, key, attribute]) =>
    !HINTS.some(([op, errno, extack, hint]) =>
      `${op} ${errnoName(errno)}` === key &&
      (attribute === undefined || extack?.attribute === attribute) &&
      hint !== undefined
    )
  );
  assertEquals(unreached.map(([line]) => line), []);
});
