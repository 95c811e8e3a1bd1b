/** Captured conversations with sock_diag: see tests/golden/README.md. */
import { assert, assertEquals } from "@std/assert";
import {
  decodeAck,
  decodeAttrs,
  decodeNlMessages,
  decodeStruct,
  encodeMessage,
  encodeStruct,
  formatIPv4,
  formatIPv6,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_HDRLEN,
  sockDiag,
} from "../../codec/mod.ts";
import { hex } from "../helpers/bytes.ts";
import { camelCase } from "../helpers/golden.ts";
import { CONVERSATIONS as lines, type Values } from "../helpers/sock_diag.ts";

const { INET_DIAG_INFO, MESSAGES, MPTCP_INFO, TCP_INFO } = sockDiag;

/** Numbers of the states that occur. */
const STATES: Values = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  TIME_WAIT: 6,
  CLOSE: 7,
  LISTEN: 10,
};

/** What the independent program wrote, as the codec has it. */
function expected(
  { attrs, state, src, dst, cookie, rq, wq, ...same }: Values & {
    attrs: Values;
  },
): Values {
  const { ULP_INFO: ulp, MARK: mark } = attrs;
  const [cookie0, cookie1] = (cookie as string).split(":")
    .map((part) => parseInt(part, 16));
  return {
    ...same,
    state: STATES[state as string],
    ends: `${src} ${dst}`,
    ...{ cookie0, cookie1, rqueue: rq, wqueue: wq },
    ...mark !== undefined && { mark },
    ...ulp !== undefined && { ulpInfo: subflow(ulp as Values) },
  };
}

function subflow({ name, mptcp }: Values): Values {
  if (mptcp === undefined) return { name };
  const entries = Object.entries(mptcp as Record<string, string>).map((
    [key, value],
  ) => [
    camelCase(key),
    key.startsWith("token-")
      ? parseInt(value, 16)
      : key === "map-seq"
      ? BigInt(value)
      : value,
  ]);
  return { name, mptcp: Object.fromEntries(entries) };
}

/** Where `struct tcp_info` has what the program left out: offset and bytes. */
const LEFT_OUT: Readonly<Record<string, readonly [number, number]>> = {
  probes: [3, 1],
  lastDataRecv: [52, 4],
  lastAckRecv: [56, 4],
  pacingRate: [104, 8],
  sndWnd: [228, 4],
  totalRto: [240, 2],
};

/** A number as the x86_64 kernel of the capture has it. */
function littleEndian(bytes: Uint8Array, at: number, length: number): bigint {
  const reversed = bytes.slice(at, at + length).reverse();
  return BigInt(`0x${reversed.toHex()}`);
}

/** Compares the members of a struct with what the program decoded. */
function assertMembers(
  values: object,
  info: Uint8Array,
  decoded: Values,
  what: string,
): void {
  const renamed = Object.fromEntries(
    Object.entries(decoded).map(([key, value]) => [
      camelCase(key.replace(/_(us|ms|Bps)$/, "").replaceAll("_", "-")),
      value,
    ]),
  );
  for (const [key, value] of Object.entries(values)) {
    const expected = renamed[key] ??
      `${littleEndian(info, ...LEFT_OUT[key]!)}`;
    // It has u64 as a string, or as a number.
    const known = typeof expected === "string" ? BigInt(expected) : expected;
    assertEquals(
      typeof known === "number" ? Number(value) : BigInt(value),
      known,
      `${what}: ${key}`,
    );
  }
}

Deno.test("`decodeStruct()` and `decodeAttrs()` read what sock_diag answered", () => {
  const seen = new Set<string>();
  for (const { name, datagrams, decoded } of lines) {
    const messages = datagrams.flatMap((text) => decodeNlMessages(hex(text)));
    assertEquals(messages.length, decoded.length, name);
    for (const [index, message] of messages.entries()) {
      const { inet_diag_msg: socket, error, done_status } = decoded[index]!;
      if (socket === undefined) {
        assertEquals(
          decodeAck(message).errno,
          0 - (error ?? done_status!),
          name,
        );
        continue;
      }
      const { type, header, set } = MESSAGES["inet-diag-msg"];
      assertEquals(message.type, type);
      const { src, dst, sport, dport, ...fields } = decodeStruct(
        header,
        message.payload,
      );
      const format = fields.family === 2 ? formatIPv4 : formatIPv6;
      const { info, ...attrs } = decodeAttrs(
        set,
        message.payload,
        header.length,
      );
      assertEquals(
        {
          ...fields,
          ends: `${format(src)}:${sport} ${format(dst)}:${dport}`,
          ...attrs,
        },
        expected(socket),
        name,
      );
      const { INFO_mptcp: mptcp, INFO_tcp: tcp } = socket.attrs;
      assertEquals(info === undefined, (mptcp ?? tcp) === undefined, name);
      if (mptcp !== undefined) {
        const values = decodeStruct(MPTCP_INFO, info!);
        assertMembers(values, info!, mptcp as Values, name);
      } else if (tcp !== undefined) {
        const values = decodeStruct(TCP_INFO, info!);
        assertMembers(values, info!, tcp as Values, name);
      }
      const ulp = attrs.ulpInfo?.mptcp === undefined ? "no" : "a";
      seen.add(`${mptcp ? "MPTCP" : tcp ? "TCP" : "no"} info, ${ulp} subflow`);
    }
  }
  assertEquals([...seen].sort(), [
    "MPTCP info, no subflow",
    "TCP info, a subflow",
    "TCP info, no subflow",
    "no info, no subflow",
  ]);
});

Deno.test("`encodeMessage()` writes the requests that sock_diag was sent", () => {
  const dump = NLM_F_REQUEST | NLM_F_DUMP;
  const all = { ext: 1 << (INET_DIAG_INFO - 1), states: 0xffff_ffff };
  const mptcp = { protocol: 262 };
  const tcp = { ...all, protocol: 6 };
  const find = MESSAGES["sock-diag-by-family"];
  const rows: [
    name: string,
    policy: typeof find,
    flags: number,
    header: Partial<sockDiag.InetDiagReqV2>,
    attrs: sockDiag.InetDiagReqAttrs,
  ][] = [
    ["mptcp-dump-v4-client", find, dump, { ...all, family: 2 }, mptcp],
    [
      "mptcp-dump-v6-with-v4-subflow",
      find,
      dump,
      { ...all, family: 10, states: 2 },
      mptcp,
    ],
    ["tcp-dump-v4-client-3-subflows", find, dump, { ...tcp, family: 2 }, {}],
    [
      "mptcp-by-token",
      find,
      NLM_F_REQUEST,
      { family: 2, ext: all.ext, cookie0: 0x0c29c980 },
      mptcp,
    ],
    [
      "sock-destroy-subflow",
      MESSAGES["sock-destroy"],
      5,
      {
        ...{
          family: 2,
          protocol: 6,
          sport: 51281,
          dport: 5001,
          cookie0: 0x7c8,
        },
        src: Uint8Array.of(10, 0, 2, 1),
        dst: Uint8Array.of(10, 0, 2, 2),
      },
      {},
    ],
  ];
  for (const [name, { type, header, set }, flags, values, attrs] of rows) {
    const { request } = lines.find((line) => line.name === name)!;
    const message = encodeMessage(
      { type, flags, seq: 1, pid: 0 },
      encodeStruct(header, values),
      set,
      attrs,
    );
    assertEquals(message.toHex(), request, name);
  }
  for (const { name, request } of lines) {
    // What a listener hears, nobody asked for.
    if (request === "") continue;
    const [{ payload, ...nlmsghdr }] = decodeNlMessages(hex(request)) as [
      ReturnType<typeof decodeNlMessages>[0],
    ];
    const fixed = decodeStruct(find.header, payload);
    const attrs = decodeAttrs(find.set, payload, find.header.length);
    assertEquals(
      encodeMessage(
        nlmsghdr,
        encodeStruct(find.header, fixed),
        find.set,
        attrs,
      ).toHex(),
      request,
      name,
    );
  }
});

Deno.test("the information of an older kernel has fewer members", () => {
  const { datagrams } = lines.find(({ name }) => name === "mptcp-by-token")!;
  const bytes = hex(datagrams[0]!);
  const { info } = decodeAttrs(sockDiag.INET_DIAG, bytes, NLMSG_HDRLEN + 72);
  assertEquals(info!.length, MPTCP_INFO.length);
  const whole = Object.entries(decodeStruct(MPTCP_INFO, info!));
  // The lengths of 5.9, 5.12, 6.5 and 6.8, and the first member that they lack.
  const rows = { 40: "localAddrUsed", 48: "bytesRetrans", 80: "subflowsTotal" };
  for (
    const [length, lacking] of Object.entries({ ...rows, 88: "lastDataRecv" })
  ) {
    const known = decodeStruct(MPTCP_INFO, info!, 0, Number(length));
    const end = whole.findIndex(([key]) => key === lacking);
    assert(end > 0);
    assertEquals(known, Object.fromEntries(whole.slice(0, end)));
  }
});
