import { assertEquals } from "@std/assert";
import {
  align4,
  decodeNlMessages,
  encodeNlHeader,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  nlMessageEnd,
  NLMSG_HDRLEN,
} from "../../codec/mod.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";
import { golden, goldenNames } from "../helpers/golden.ts";

const NOOP = "10000000 0100 0000 00000000 00000000";

Deno.test("`align4()` rounds up to a multiple of 4", () => {
  const rounded = [0, 1, 2, 3, 4, 5, 16, 17, 65535].map(align4);
  assertEquals(rounded, [0, 4, 4, 4, 4, 8, 16, 20, 65536]);
});

Deno.test("`decodeNlMessages()` splits every captured datagram", () => {
  for (const name of goldenNames()) {
    const { bytes, messages } = golden(name);
    const decoded = decodeNlMessages(bytes);
    assertEquals(
      decoded.map(({ payload, ...header }) => ({
        len: NLMSG_HDRLEN + payload.length,
        ...header,
      })),
      messages.map(({ nlmsghdr: { len, type, flags, seq, pid } }) => ({
        len,
        type,
        flags,
        seq,
        pid,
      })),
      name,
    );
  }
});

Deno.test("`nlMessageEnd()` leads from message to message", () => {
  for (const name of goldenNames()) {
    const { bytes, messages } = golden(name);
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = nlMessageEnd(bytes, at);
      lengths.push(end - at);
      at = align4(end);
    }
    assertEquals(lengths, messages.map(({ nlmsghdr }) => nlmsghdr.len), name);
  }
});

Deno.test("`encodeNlHeader()` writes every captured header", () => {
  for (const name of goldenNames()) {
    const { bytes, decoded: { nlmsghdr } } = golden(name);
    const written = new Uint8Array(NLMSG_HDRLEN);
    encodeNlHeader(written, nlmsghdr.len, nlmsghdr);
    assertEquals(written, bytes.slice(0, NLMSG_HDRLEN), name);
  }
});

Deno.test("the `NLM_F_*` constants are the flags of the captures", () => {
  const bits = {
    REQUEST: NLM_F_REQUEST,
    MULTI: NLM_F_MULTI,
    ACK: NLM_F_ACK,
    DUMP: NLM_F_DUMP,
    CAPPED: NLM_F_CAPPED,
    ACK_TLVS: NLM_F_ACK_TLVS,
  };
  const seen = new Set<string>();
  for (const name of goldenNames()) {
    for (const { nlmsghdr } of golden(name).messages) {
      const names = nlmsghdr["flag-names"];
      const flags = names.reduce((sum, name) => sum | bits[name], 0);
      assertEquals(nlmsghdr.flags, flags, name);
      names.forEach((name) => seen.add(name));
    }
  }
  assertEquals([...seen].sort(), Object.keys(bits).sort());
});

Deno.test("`decodeNlMessages()` takes lengths that the format allows", () => {
  const rows: [what: string, datagram: string, payloads: string[]][] = [
    ["nothing", "", []],
    ["no payload", NOOP, [""]],
    ["two messages", NOOP + NOOP, ["", ""]],
    [
      "padding between messages",
      "11000000 0100 0000 00000000 00000000 aa 000000" + NOOP,
      ["aa", ""],
    ],
    [
      "no padding behind the last message",
      NOOP + "11000000 0100 0000 00000000 00000000 aa",
      ["", "aa"],
    ],
  ];
  for (const [what, datagram, payloads] of rows) {
    const messages = decodeNlMessages(hex(datagram));
    assertEquals(
      messages.map(({ payload }) => payload.toHex()),
      payloads,
      what,
    );
  }
});

Deno.test("`decodeNlMessages()` rejects lengths that it does not", () => {
  const rows: [what: string, datagram: string, offset: number][] = [
    ["a header cut after 1 byte", "10", 0],
    ["a header cut after 15 bytes", NOOP.slice(0, -2), 0],
    ["length 0", NOOP.replace("10", "00"), 0],
    ["length 15", NOOP.replace("10", "0f"), 0],
    ["a length 1 past the end", NOOP.replace("10", "11"), 0],
    ["a length of 2 ** 32 - 1", NOOP.replace("10000000", "ffffffff"), 0],
    ["a second header cut", NOOP + "10000000", 16],
    ["a second length 0", NOOP + NOOP.replace("10", "00"), 16],
    ["a second length past the end", NOOP + NOOP.replace("10", "14"), 16],
  ];
  for (const [what, datagram, offset] of rows) {
    assertDecodeError(() => decodeNlMessages(hex(datagram)), offset, "", what);
  }
});

Deno.test("`decodeNlMessages()` keeps unknown flags and is unsigned", () => {
  const datagram = hex("10000000 ffff ffff ffffffff feffffff");
  assertEquals(decodeNlMessages(datagram), [{
    type: 0xffff,
    flags: 0xffff,
    seq: 0xffff_ffff,
    pid: 0xffff_fffe,
    payload: new Uint8Array(),
  }]);
});

Deno.test("`decodeNlMessages()` returns views of a part of a buffer", () => {
  const buffer = hex(
    "ff" + "14000000 0100 0000 00000000 00000000 01020304" + "ff",
  );
  const [message] = decodeNlMessages(buffer.subarray(1, -1));
  assertEquals(message!.payload, hex("01020304"));
  buffer[17] = 9;
  assertEquals(message!.payload[0], 9);
});
