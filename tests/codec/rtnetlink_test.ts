/** Captured conversations with rtnetlink: see tests/golden/README.md. */
import { assert, assertEquals } from "@std/assert";
import {
  decodeAck,
  decodeAttrs,
  decodeNlMessages,
  decodeStruct,
  encodeMessage,
  encodeStruct,
  type MessagePolicy,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  parseAddress,
  rtnetlink,
} from "../../codec/mod.ts";
import { hex } from "../helpers/bytes.ts";
import { camelCase, RTNETLINK as captured } from "../helpers/golden.ts";

const { MESSAGES } = rtnetlink;
const policies = Object.values(MESSAGES) as MessagePolicy[];

/** Values as the independent program wrote them. */
function plain(values: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? value.toHex() : value,
    ]),
  );
}

function camelCased(values: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [camelCase(key), value]),
  );
}

Deno.test("`decodeStruct()` and `decodeAttrs()` read what rtnetlink answered", () => {
  const seen = new Set<string>();
  for (const { name, datagrams, decoded } of captured) {
    const messages = datagrams.flatMap((text) => decodeNlMessages(hex(text)));
    assertEquals(messages.length, decoded.length, name);
    for (const [index, message] of messages.entries()) {
      const { type, header, attrs, error } = decoded[index]!;
      assertEquals(message.type, type, name);
      if (error !== undefined) {
        assertEquals(decodeAck(message).errno, 0 - error, name);
        continue;
      }
      // RTM_DELADDR, which no question is answered with.
      if (header === undefined) continue;
      const policy = policies.find((policy) => policy.type === type)!;
      const { payload } = message;
      assertEquals(
        plain(decodeStruct(policy.header, payload)),
        camelCased(header),
        name,
      );
      assertEquals(
        plain(decodeAttrs(policy.set, payload, policy.header.length)),
        camelCased(attrs!),
        name,
      );
      seen.add(policy.name);
    }
  }
  assertEquals([...seen].sort(), [
    ...["newaddr", "newlink", "newneigh", "newroute", "newrule"],
  ]);
});

const bytesOf = (text: string) => parseAddress(text).bytes;

Deno.test("`encodeMessage()` writes the requests that rtnetlink was sent", () => {
  const { getlink, getaddr, getroute, getrule, getneigh } = MESSAGES;
  const to = bytesOf("10.0.1.2");
  const from = bytesOf("10.0.2.1");
  const ipv4 = { family: 2, dstLen: 32, srcLen: 32 };
  const rows: Readonly<Record<string, [MessagePolicy, object, object]>> = {
    "rt-getlink-dump": [getlink, {}, { extMask: 9 }],
    "rt-getlink-by-name": [getlink, {}, { ifname: "c2", extMask: 9 }],
    "rt-getaddr-dump": [getaddr, {}, {}],
    "rt-getrule-dump": [getrule, { family: 2 }, {}],
    "rt-getneigh-dump": [getneigh, {}, {}],
    "rt-getroute-src-oif-fibmatch": [
      getroute,
      {
        ...ipv4,
        flags: rtnetlink.RTM_F_LOOKUP_TABLE | rtnetlink.RTM_F_FIB_MATCH,
      },
      { dst: to, src: from, oif: 3 },
    ],
    "rt-getroute-v6-oif-strict": [
      getroute,
      { family: 10, dstLen: 128, flags: rtnetlink.RTM_F_LOOKUP_TABLE },
      { dst: bytesOf("fd00:1::2"), oif: 3 },
    ],
    "rt-getroute-via": [
      getroute,
      { family: 2, dstLen: 32, flags: rtnetlink.RTM_F_LOOKUP_TABLE },
      { dst: bytesOf("10.44.0.1"), ipProto: 6 },
    ],
  };
  for (const { name, request } of captured) {
    if (request === undefined) continue;
    const [{ payload, ...nlmsghdr }] = decodeNlMessages(hex(request)) as [
      ReturnType<typeof decodeNlMessages>[0],
    ];
    const policy = policies.find(({ type }) => type === nlmsghdr.type)!;
    const { header, set } = policy;
    const fixed = decodeStruct(header, payload);
    const attrs = decodeAttrs(set, payload, header.length);
    const encode = (fixed: object, attrs: object) =>
      encodeMessage(nlmsghdr, encodeStruct(header, fixed), set, attrs).toHex();
    assertEquals(encode(fixed, attrs), request, name);
    const row = rows[name];
    if (row === undefined) continue;
    assertEquals(policy, row[0], name);
    assertEquals(encode(row[1], row[2]), request, name);
    const isDump = nlmsghdr.flags === (NLM_F_REQUEST | NLM_F_DUMP);
    assertEquals(isDump, name.includes("-dump"), name);
  }
  const names = captured.map(({ name }) => name);
  assert(Object.keys(rows).every((name) => names.includes(name)));
});
