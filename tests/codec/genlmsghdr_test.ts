import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  decodeGenlPayload,
  decodeNlMessages,
  encodeGenlMessage,
  GENL_HDRLEN,
  NLMSG_HDRLEN,
} from "../../codec/mod.ts";
import { ATTR } from "../../codec/mptcp_pm.gen.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";
import { golden, goldenNames } from "../helpers/golden.ts";

const HEADER = { type: 28, flags: 5, seq: 9, pid: 0, cmd: 9, version: 1 };
const REMOVE = { token: 0xb1362222, locId: 31 };
const MESSAGE = golden("remove/ok/request").bytes;
MESSAGE.set([9], 8); // the sequence number of HEADER

Deno.test("`decodeGenlPayload()` reads every captured header", () => {
  for (const name of goldenNames()) {
    const { bytes, messages } = golden(name);
    decodeNlMessages(bytes).forEach(({ payload }, index) => {
      const { genlmsghdr } = messages[index]!;
      if (genlmsghdr === undefined) return; // an ack
      const { cmd, version, attrs } = decodeGenlPayload(payload);
      assertEquals(
        { cmd, version, length: attrs.length },
        {
          cmd: genlmsghdr.cmd,
          version: genlmsghdr.version,
          length: payload.length - GENL_HDRLEN,
        },
        name,
      );
    });
  }
});

Deno.test("`decodeGenlPayload()` rejects a header cut", () => {
  for (const payload of ["", "01", "0101", "010100"]) {
    assertDecodeError(() => decodeGenlPayload(hex(payload)), 0, "", payload);
  }
});

Deno.test("`decodeGenlPayload()` ignores the reserved bytes", () => {
  assertEquals(decodeGenlPayload(hex("ff fe ffff aa")), {
    cmd: 0xff,
    version: 0xfe,
    attrs: hex("aa"),
  });
});

Deno.test("`encodeGenlMessage()` writes into the buffer given", () => {
  const size = MESSAGE.length;
  for (const room of [size, size + 1, 4096]) {
    const buffer = new Uint8Array(room).fill(0xff);
    const message = encodeGenlMessage(HEADER, ATTR, REMOVE, buffer);
    assertEquals(message, MESSAGE, `${room} bytes`);
    assertStrictEquals(message.buffer, buffer.buffer);
    assertEquals(buffer.slice(size), new Uint8Array(room - size).fill(0xff));
  }
});

Deno.test("`encodeGenlMessage()` makes a buffer if the given one is short", () => {
  const buffer = new Uint8Array(MESSAGE.length - 1).fill(0xff);
  assertEquals(encodeGenlMessage(HEADER, ATTR, REMOVE, buffer), MESSAGE);
});

Deno.test("`encodeGenlMessage()` writes into the middle of a buffer", () => {
  const buffer = new Uint8Array(100);
  encodeGenlMessage(HEADER, ATTR, REMOVE, buffer.subarray(10));
  assertEquals(buffer.slice(10, 10 + MESSAGE.length), MESSAGE);
});

Deno.test("`encodeGenlMessage()` takes a message without attributes", () => {
  const message = encodeGenlMessage(HEADER, ATTR, {});
  assertEquals(message.length, NLMSG_HDRLEN + GENL_HDRLEN);
  assertEquals(message.slice(NLMSG_HDRLEN), hex("09 01 0000"));
});

Deno.test("`encodeGenlMessage()` rejects what does not fit its attribute", () => {
  assertThrows(
    () => encodeGenlMessage(HEADER, ATTR, { locId: 256 }),
    RangeError,
    "loc-id is not an integer from 0 to 255: 256",
  );
  assertThrows(
    () =>
      // @ts-expect-error: no name of an attribute
      encodeGenlMessage(HEADER, ATTR, { loc_id: 1 }),
    TypeError,
    'Unknown attribute "loc_id"',
  );
});
