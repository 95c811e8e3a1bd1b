/** The types of the tables: the marked lines must not compile. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as codec from "../../codec/mod.ts";
import {
  type AttrSet,
  decodeAttrs,
  decodeNlMessages,
  encodeAttrs,
  encodeGenlMessage,
  GENL_HDRLEN,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  type OpPolicy,
} from "../../codec/mod.ts";
import { ADDRESS, ATTR, EVENTS, OPS } from "../../codec/mptcp_pm.gen.ts";
import { golden } from "../helpers/golden.ts";

Deno.test("the attributes of a set have types", () => {
  encodeAttrs(ATTR, { addr: { addr4: Uint8Array.of(10, 0, 1, 1) } });
  // @ts-expect-error: a number has no bytes to give
  assertThrows(() => encodeAttrs(ATTR, { addr: { port: new Uint8Array(2) } }));
  const bytes = encodeAttrs(ADDRESS, { addr4: "10.0.1.1" });
  const { addr4, port } = decodeAttrs(ADDRESS, bytes);
  const values: [string | undefined, number | undefined] = [addr4, port];
  assertEquals(values, ["10.0.1.1", undefined]);
  // @ts-expect-error: an address is a text
  const address: number | undefined = addr4;
  assertEquals(address as unknown, "10.0.1.1");
  assertThrows(
    // @ts-expect-error: a typing error
    () => encodeAttrs(ADDRESS, { adr4: "10.0.1.1" }),
    TypeError,
    'Unknown attribute "adr4"',
  );
  assertThrows(
    // @ts-expect-error: a number
    () => encodeAttrs(ADDRESS, { port: "80" }),
    TypeError,
    "port is not a number",
  );
});

/** One exchange of a client that knows no family: captured messages. */
function exchange<Request extends object, Reply extends object>(
  { cmd, set }: { cmd: number; set: AttrSet<Reply, Request> },
  flags: number,
  attrs: Request,
  [asked, answered]: [request: string, reply: string],
): Reply[] {
  const header = { type: 28, flags: NLM_F_REQUEST | flags, pid: 0, cmd };
  const { bytes, decoded: { nlmsghdr: { seq } } } = golden(asked);
  const request = encodeGenlMessage<Request>(
    { ...header, seq, version: 1 },
    set,
    attrs,
  );
  assertEquals(request, bytes);
  return decodeNlMessages(golden(answered).bytes)
    .filter(({ type }) => type !== NLMSG_DONE)
    .map(({ payload }) => decodeAttrs<Reply>(set, payload, GENL_HDRLEN));
}

const get = <Request extends object, Reply extends object>(
  op: OpPolicy<Request, Reply>,
  attrs: NoInfer<Request>,
  ...names: [request: string, reply: string]
): Reply => exchange<Request, Reply>(op, 0, attrs, names)[0]!;

const dump = <Reply extends object, DumpRequest extends object>(
  op: OpPolicy<object, Reply, DumpRequest>,
  attrs: NoInfer<DumpRequest>,
  ...names: [request: string, reply: string]
): Reply[] => exchange<DumpRequest, Reply>(op, NLM_F_DUMP, attrs, names);

const LIMITS = [
  "get-limits/default/request",
  "get-limits/default/reply",
] as const;
const ENDPOINTS = [
  "get-addr/dump-7/request",
  "get-addr/dump-7/datagram-0",
] as const;

Deno.test("a command has the types of its request and its replies", () => {
  const limits = get(OPS["get-limits"], {}, ...LIMITS);
  const subflows: number | undefined = limits.subflows;
  assertEquals(subflows, 2);
  const endpoints = dump(OPS["get-addr"], {}, ...ENDPOINTS);
  const port: number | undefined = endpoints[2]?.addr?.port;
  assertEquals([endpoints.length, port], [7, 0]);
  // @ts-expect-error: the reply does not carry it
  assertEquals(limits.token, undefined);
  // @ts-expect-error: the request does not take it
  assertThrows(() => get(OPS["get-addr"], { subflows: 1 }, ...LIMITS));
  // @ts-expect-error: it is only acknowledged
  assertThrows(() => get(OPS["flush-addrs"], {}, ...LIMITS));
  // @ts-expect-error: it cannot be dumped
  assertThrows(() => dump(OPS["get-limits"], {}, ...LIMITS));
});

Deno.test("an event has the type of its attributes", () => {
  const { payload } = decodeNlMessages(
    golden("event/upm-v4-remove/client/removed").bytes,
  )[0]!;
  const { set } = EVENTS.removed;
  const { remId, ...others } = decodeAttrs(set, payload, GENL_HDRLEN);
  const id: number | undefined = remId;
  assertEquals(id, 31);
  // @ts-expect-error: the event does not carry it
  assertEquals(others.daddr4, undefined);
});

Deno.test("commands and events carry the names that they have in the table", () => {
  for (const [name, policy] of Object.entries({ ...OPS, ...EVENTS })) {
    assertEquals(policy.name, name);
  }
});

Deno.test("what belongs to one family is exported in its namespace alone", () => {
  assertStrictEquals(codec.mptcpPm.OPS, OPS);
  const flat = Object.keys(codec).filter((name) => name in codec.mptcpPm);
  assertEquals(flat, []);
});
