import { assertEquals } from "@std/assert";
import {
  type AckedRequest,
  decodeAck,
  decodeNlMessages,
  type ExtAck,
  nameAttribute,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../../codec/mod.ts";
import { ATTR } from "../../codec/mptcp_pm.gen.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";
import { golden } from "../helpers/golden.ts";

const TLVS = NLM_F_ACK_TLVS;
const CAPPED = NLM_F_ACK_TLVS | NLM_F_CAPPED;
const EINVAL = "eaffffff";
/** The echoed header of a request of 20 bytes, and what else it had. */
const HEADER = "14000000 1c00 0500 01000000 00000000";
const REST = "06010000";
/** The extended ack "no" of the attribute at 20. */
const EXTACK = "0700 0100 6e6f00 00 | 0800 0200 14000000";

function ack(type: number, flags: number, payload: string): NlMessage {
  return { type, flags, seq: 1, pid: 0, payload: hex(payload) };
}

Deno.test("`decodeAck()` finds the extended ack where the flags say", () => {
  const extack: ExtAck = { message: "no", offset: 20 };
  const [bare, longer] = ["10", "17"].map((l) => HEADER.replace("14", l));
  const rows: [
    what: string,
    type: number,
    flags: number,
    payload: string,
    extack?: ExtAck,
  ][] = [
    ["capped", NLMSG_ERROR, CAPPED, HEADER + EXTACK, extack],
    ["whole", NLMSG_ERROR, TLVS, HEADER + REST + EXTACK, extack],
    ["whole, a bare header", NLMSG_ERROR, TLVS, bare + EXTACK, extack],
    ["whole, empty", NLMSG_ERROR, TLVS, HEADER + REST, {}],
    ["padded", NLMSG_ERROR, TLVS, longer + REST + "aabbcc 00" + EXTACK, extack],
    ["not flagged", NLMSG_ERROR, 0, HEADER + REST + EXTACK],
    ["only capped", NLMSG_ERROR, NLM_F_CAPPED, HEADER + EXTACK],
    ["capped, empty", NLMSG_ERROR, CAPPED, HEADER, {}],
    ["end of a dump", NLMSG_DONE, TLVS, EXTACK, extack],
    ["end of a dump, not flagged", NLMSG_DONE, 0, EXTACK],
    ["flags unknown too", NLMSG_ERROR, 0xffff, HEADER + EXTACK, extack],
  ];
  for (const [what, type, flags, payload, expected] of rows) {
    assertEquals(
      decodeAck(ack(type, flags, EINVAL + payload)),
      expected ? { errno: 22, extack: expected } : { errno: 22 },
      what,
    );
  }
});

Deno.test("`decodeAck()` reads the errno", () => {
  const rows: [type: number, payload: string, errno: number][] = [
    [NLMSG_ERROR, "00000000" + HEADER, 0],
    [NLMSG_ERROR, "ffffffff" + HEADER, 1],
    [NLMSG_ERROR, "00000080" + HEADER, 2 ** 31],
    [NLMSG_DONE, "00000000", 0],
    [NLMSG_DONE, "f0ffffff", 16],
    [NLMSG_DONE, "", 0],
    [NLMSG_DONE, "eaffff", 0],
  ];
  for (const [type, payload, errno] of rows) {
    assertEquals(decodeAck(ack(type, 0, payload)), { errno }, payload);
  }
});

Deno.test("`decodeAck()` reads every extended-ack attribute", () => {
  const policy = "0800 0100 08000000" +
    "0c00 0200 feffffffffffffff" +
    "0c00 0300 0200000000000000" +
    "0c00 0400 0100000000000000" +
    "0c00 0500 ffffffffffffffff" +
    "0800 0600 10000000" +
    "0800 0700 20000000";
  const payload = "00000000" + HEADER + EXTACK +
    "0700 0300 c0ffee 00" +
    `4c00 0480 ${policy}` +
    "0800 0500 06000000" +
    "0800 0600 18000000" +
    "0800 ff00 00000000";
  assertEquals(decodeAck(ack(NLMSG_ERROR, CAPPED, payload)), {
    errno: 0,
    extack: {
      message: "no",
      offset: 20,
      cookie: hex("c0ffee"),
      policy: {
        type: 8,
        minValueS: -2n,
        maxValueS: 2n,
        minValueU: 1n,
        maxValueU: 0xffff_ffff_ffff_ffffn,
        minLength: 16,
        maxLength: 32,
      },
      missing: 6,
      missingNest: 24,
    },
  });
});

Deno.test("`decodeAck()` rejects an ack cut", () => {
  for (const payload of ["", "eaffff", EINVAL, EINVAL + HEADER.slice(0, -2)]) {
    const cut = ack(NLMSG_ERROR, 0, payload);
    assertDecodeError(() => decodeAck(cut), 0, "", payload);
  }
});

Deno.test("`decodeAck()` rejects an impossible length of the request", () => {
  const rows: [length: string, behind: string][] = [
    ["00000000", EXTACK],
    ["0f000000", EXTACK],
    ["14000000", ""],
    ["2d000000", REST + EXTACK],
    ["ffffff7f", REST + EXTACK],
    ["00000080", REST + EXTACK],
    ["f4ffffff", REST + EXTACK],
    ["ffffffff", REST + EXTACK],
  ];
  for (const [length, behind] of rows) {
    const payload = EINVAL + HEADER.replace("14000000", length) + behind;
    const message = ack(NLMSG_ERROR, TLVS, payload);
    assertDecodeError(() => decodeAck(message), 4, "", length);
  }
});

Deno.test("`decodeAck()` rejects a malformed extended ack", () => {
  const rows: [
    what: string,
    type: number,
    flags: number,
    payload: string,
    offset: number,
    path: string,
  ][] = [
    [
      "an attribute of length 0",
      NLMSG_ERROR,
      CAPPED,
      `${EINVAL} ${HEADER} 0000 0100 6e6f0000`,
      20,
      "",
    ],
    [
      "an attribute past the end",
      NLMSG_ERROR,
      TLVS,
      `${EINVAL} ${HEADER} ${REST} 0900 0100 6e6f0000`,
      24,
      "",
    ],
    [
      "an attribute past the end, after a dump",
      NLMSG_DONE,
      TLVS,
      `${EINVAL} 0900 0100 6e6f0000`,
      4,
      "",
    ],
    [
      "an offset of 2 bytes",
      NLMSG_ERROR,
      CAPPED,
      `${EINVAL} ${HEADER} 0600 0200 1400 0000`,
      24,
      ".offs",
    ],
    [
      "a policy type of 1 byte",
      NLMSG_ERROR,
      CAPPED,
      `${EINVAL} ${HEADER} 0c00 0480 0500 0100 08 000000`,
      28,
      ".policy.type",
    ],
  ];
  for (const [what, type, flags, payload, offset, path] of rows) {
    const message = ack(type, flags, payload);
    assertDecodeError(() => decodeAck(message), offset, path, what);
  }
});

Deno.test("`decodeAck()` copies out of the message", () => {
  const payload = `00000000 ${HEADER} ${EXTACK} 0700 0300 c0ffee 00`;
  const message = ack(NLMSG_ERROR, CAPPED, payload);
  const decoded = decodeAck(message);
  message.payload.fill(0xff);
  assertEquals(decoded, {
    errno: 0,
    extack: { message: "no", offset: 20, cookie: hex("c0ffee") },
  });
});

Deno.test("`decodeAck()` reads an error that ends a dump", () => {
  const { bytes } = golden("dump/done-with-error-invalid-token/done");
  const [done] = decodeNlMessages(bytes);
  assertEquals(decodeAck(done!), {
    errno: 22,
    extack: { message: "invalid token", offset: 20 },
  });
});

Deno.test("`nameAttribute()` names the attribute at fault", () => {
  const request: AckedRequest = {
    // An addr with an id at 20, a token at 32.
    bytes: hex(
      `${HEADER} ${REST} 0c00 0180 0500 0200 05 000000 0800 0400 07000000`,
    ),
    headerLength: 20,
    set: ATTR,
  };
  const rows: [extack: string, attribute: string | undefined][] = [
    ["0800 0200 14000000", ".addr"],
    ["0800 0200 18000000", ".addr.id"],
    ["0800 0200 04000000", undefined],
    ["0800 0500 04000000", ".token"],
    ["0800 0500 63000000", undefined],
    ["0800 0500 05000000 0800 0600 14000000", ".addr"],
    // A nest of which a part is not read is named as missing itself.
    ["0800 0200 20000000 0800 0500 01000000", ".addr"],
    ["0700 0100 6e6f00 00", undefined],
  ];
  for (const [attrs, attribute] of rows) {
    const message = ack(NLMSG_ERROR, CAPPED, EINVAL + HEADER + attrs);
    const extack = decodeAck(message).extack!;
    assertEquals(
      nameAttribute(extack, request),
      attribute === undefined ? extack : { ...extack, attribute },
      attrs,
    );
  }
});
