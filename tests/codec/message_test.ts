import { assertEquals, assertStrictEquals } from "@std/assert";
import { encodeMessage } from "../../codec/mod.ts";
import { ATTR } from "../../codec/mptcp_pm.gen.ts";
import { hex } from "../helpers/bytes.ts";

const HEADER = { type: 20, flags: 0x301, seq: 9, pid: 0 };

Deno.test("`encodeMessage()` writes header, fixed part and attributes", () => {
  const rows: [fixed: string, message: string][] = [
    ["", "18000000 1400 0103 09000000 00000000 | 0800 0400 07000000"],
    ["0a", "1c000000 1400 0103 09000000 00000000 0a000000 0800 0400 07000000"],
    [
      "0102030405",
      "20000000 1400 0103 09000000 00000000 01020304 05000000" +
      "0800 0400 07000000",
    ],
  ];
  for (const [fixed, expected] of rows) {
    const buffer = new Uint8Array(64).fill(0xff);
    for (const room of [undefined, buffer, buffer.subarray(0, 20)]) {
      const attrs = { token: 7 };
      const message = encodeMessage(HEADER, hex(fixed), ATTR, attrs, room);
      assertEquals(message, hex(expected), fixed);
      if (room === buffer) assertStrictEquals(message.buffer, buffer.buffer);
    }
  }
});
