import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type AttrPolicy,
  type AttrSet,
  decodeAttrs,
  encodeAttrs,
  type StructPolicy,
  writeAttrs,
} from "../../codec/mod.ts";
import {
  ADDRESS,
  ATTR,
  ENDPOINT,
  EVENT_ATTR,
} from "../../codec/mptcp_pm.gen.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";

type Attrs = Record<string, unknown>;

const POINT: StructPolicy = {
  name: "point",
  length: 8,
  members: [
    { key: "x", kind: "u8", offset: 0 },
    { key: "y", kind: "u32", offset: 4 },
  ],
};

/** An attribute of each kind; number 17 is not in use. */
const ALL: AttrSet = {
  name: "all",
  attrs: [
    undefined,
    attr(1, "u8"),
    attr(2, "u16"),
    attr(3, "u32"),
    attr(4, "u64"),
    attr(5, "s8"),
    attr(6, "s16"),
    attr(7, "s32"),
    attr(8, "s64"),
    attr(9, "ipv4"),
    attr(10, "ipv6"),
    attr(11, "binary"),
    attr(12, "string"),
    attr(13, "flag"),
    { ...attr(14, "nest"), nested: ADDRESS },
    { ...attr(15, "array"), nested: ADDRESS },
    attr(16, "bitfield32"),
    undefined,
    big(18, "u16"),
    big(19, "u32"),
    big(20, "u64"),
    big(21, "s16"),
    big(22, "s32"),
    big(23, "s64"),
    { ...attr(24, "struct"), struct: POINT },
    { type: 25, name: "texts", key: "texts", kind: "string", multi: true },
    { ...attr(26, "nest"), key: "nests", nested: ADDRESS, multi: true },
  ],
};

function attr(type: number, kind: AttrPolicy["kind"]): AttrPolicy {
  return { type, name: kind, key: kind, kind };
}

function big(type: number, kind: AttrPolicy["kind"]): AttrPolicy {
  return {
    type,
    name: `${kind}-be`,
    key: `${kind}Be`,
    kind,
    bigEndian: true,
  };
}

/** Written by hand from the format, not by the encoder. */
const ON_THE_WIRE: [attrs: Attrs, bytes: string][] = [
  [{}, ""],
  [{ u8: 0 }, "0500 0100 00 000000"],
  [{ u8: 255 }, "0500 0100 ff 000000"],
  [{ u16: 0x1234 }, "0600 0200 3412 0000"],
  [{ u16: 65535 }, "0600 0200 ffff 0000"],
  [{ u32: 0x1234_5678 }, "0800 0300 78563412"],
  [{ u32: 4294967295 }, "0800 0300 ffffffff"],
  [{ u64: 0x0123_4567_89ab_cdefn }, "0c00 0400 efcdab8967452301"],
  [{ u64: 18446744073709551615n }, "0c00 0400 ffffffffffffffff"],
  [{ s8: -1 }, "0500 0500 ff 000000"],
  [{ s8: -128 }, "0500 0500 80 000000"],
  [{ s8: 127 }, "0500 0500 7f 000000"],
  [{ s16: -2 }, "0600 0600 feff 0000"],
  [{ s16: -32768 }, "0600 0600 0080 0000"],
  [{ s16: 32767 }, "0600 0600 ff7f 0000"],
  [{ s32: -2 }, "0800 0700 feffffff"],
  [{ s32: -2147483648 }, "0800 0700 00000080"],
  [{ s32: 2147483647 }, "0800 0700 ffffff7f"],
  [{ s64: -2n }, "0c00 0800 feffffffffffffff"],
  [{ s64: -9223372036854775808n }, "0c00 0800 0000000000000080"],
  [{ s64: 9223372036854775807n }, "0c00 0800 ffffffffffffff7f"],
  [{ ipv4: "10.0.1.255" }, "0800 0900 0a0001ff"],
  [{ ipv6: "fd00::1:2" }, "1400 0a00 fd000000000000000000000000010002"],
  [{ binary: hex("") }, "0400 0b00"],
  [{ binary: hex("c0ffee") }, "0700 0b00 c0ffee 00"],
  [{ binary: hex("00c0ffee") }, "0800 0b00 00c0ffee"],
  [{ string: "" }, "0500 0c00 00 000000"],
  [{ string: "lo" }, "0700 0c00 6c6f00 00"],
  [{ string: "eth" }, "0800 0c00 65746800"],
  [{ string: "é€" }, "0a00 0c00 c3a9 e282ac 00 0000"],
  [{ flag: true }, "0400 0d00"],
  [
    { bitfield32: { value: 1, selector: 0xffff_ffff } },
    "0c00 1000 01000000 ffffffff",
  ],
  [{ struct: { x: 7, y: 0x1234 } }, "0c00 1800 07 000000 34120000"],
  [{ texts: ["a", ""] }, "0600 1900 6100 0000 0500 1900 00 000000"],
  [{ nests: [{}, { id: 5 }] }, "0400 1a80 0c00 1a80 0500 0200 05 000000"],
  [{ nest: {} }, "0400 0e80"],
  [{ nest: { id: 5 } }, "0c00 0e80 0500 0200 05 000000"],
  [{ array: [] }, "0400 0f80"],
  [{ array: [{}] }, "0800 0f80 0400 0180"],
  [
    { array: [{ id: 5 }, { id: 6, port: 7 }] },
    "2400 0f80 0c00 0180 0500 0200 05 000000" +
    "1400 0280 0500 0200 06 000000 0600 0500 0700 0000",
  ],
  [{ u16Be: 0x1234 }, "0600 1200 1234 0000"],
  [{ u32Be: 0x1234_5678 }, "0800 1300 12345678"],
  [{ u64Be: 0x0123_4567_89ab_cdefn }, "0c00 1400 0123456789abcdef"],
  [{ s16Be: -2 }, "0600 1500 fffe 0000"],
  [{ s32Be: -2 }, "0800 1600 fffffffe"],
  [{ s64Be: -2n }, "0c00 1700 fffffffffffffffe"],
  [
    { u8: 1, string: "a", nest: { id: 2, addr4: "1.2.3.4" }, s64Be: 3n },
    "0500 0100 01 000000 | 0600 0c00 6100 0000" +
    "1400 0e80 0500 0200 02 000000 0800 0300 01020304" +
    "0c00 1700 0000000000000003",
  ],
];

Deno.test("`encodeAttrs()` writes every kind", () => {
  for (const [attrs, bytes] of ON_THE_WIRE) {
    assertEquals(encodeAttrs(ALL, attrs), hex(bytes), Deno.inspect(attrs));
  }
});

Deno.test("`decodeAttrs()` reads every kind", () => {
  for (const [attrs, bytes] of ON_THE_WIRE) {
    assertEquals(decodeAttrs(ALL, hex(bytes)), attrs, bytes);
  }
});

Deno.test("the tables have every attribute at the index of its number", () => {
  for (const set of [ADDRESS, ATTR, ENDPOINT, EVENT_ATTR]) {
    for (const [index, policy] of set.attrs.entries()) {
      assertEquals(policy?.type ?? index, index, set.name);
    }
  }
});

Deno.test("`encodeAttrs()` writes in the order given", () => {
  const bytes = "0800 0300 02000000 | 0500 0100 01 000000";
  assertEquals(encodeAttrs(ALL, { u32: 2, u8: 1 }), hex(bytes));
});

Deno.test("`encodeAttrs()` leaves out what is undefined", () => {
  const nest = { id: undefined, port: 7, bogus: undefined };
  assertEquals(
    encodeAttrs(ALL, { u8: undefined, nest, bogus: undefined }),
    hex("0c00 0e80 0600 0500 0700 0000"),
  );
});

Deno.test("`encodeAttrs()` writes nothing for no values of one that may repeat", () => {
  assertEquals(encodeAttrs(ALL, { texts: [], nests: [] }), hex(""));
});

Deno.test("`writeAttrs()` starts at the offset and zeroes the padding", () => {
  const bytes = new Uint8Array(16).fill(0xff);
  assertEquals(writeAttrs(bytes, 4, ALL, { u8: 1 }), 12);
  assertEquals(bytes, hex("ffffffff 0500 0100 01 000000 ffffffff"));
});

Deno.test("`encodeAttrs()` rejects an unknown name, and lists the known", () => {
  const rows: [set: AttrSet, attrs: Attrs, message: string][] = [
    [ADDRESS, { ifidx: 1 }, 'Unknown attribute "ifidx" in the set "address": '],
    [ADDRESS, { "if-idx": 1 }, "family, id, addr4, addr6, port, flags, ifIdx"],
    [ADDRESS, { id: 1, a: null }, 'Unknown attribute "a" in'],
    [
      ATTR,
      { addr: { bogus: 1 } },
      'Unknown attribute "bogus" in the set "address"',
    ],
    [ALL, { array: [{}, { bogus: 1 }] }, 'Unknown attribute "bogus"'],
  ];
  for (const [set, attrs, message] of rows) {
    assertThrows(() => encodeAttrs(set, attrs), TypeError, message);
  }
});

Deno.test("`encodeAttrs()` writes a text that is given as its bytes", () => {
  const rows: [text: Attrs, bytes: Attrs][] = [
    [{ ipv4: "10.0.1.255" }, { ipv4: hex("0a0001ff") }],
    [{ ipv6: "fd00::1" }, { ipv6: hex("fd000000000000000000000000000001") }],
    [{ string: "é" }, { string: hex("c3a9") }],
  ];
  for (const [text, bytes] of rows) {
    assertEquals(encodeAttrs(ALL, bytes), encodeAttrs(ALL, text));
  }
});

Deno.test("`encodeAttrs()` rejects a number that does not fit", () => {
  const rows: [key: string, from: string, to: string, values: number[]][] = [
    ["u8", "0", "255", [-1, 256, 0.5, NaN, Infinity]],
    ["u16", "0", "65535", [-1, 65536, 0.5, NaN, -Infinity]],
    ["u32", "0", "4294967295", [-1, 2 ** 32, 0.5, NaN, Infinity]],
    ["s8", "-128", "127", [-129, 128, 0.5, NaN]],
    ["s16", "-32768", "32767", [-32769, 32768, -0.5, NaN]],
    ["s32", "-2147483648", "2147483647", [-(2 ** 31) - 1, 2 ** 31, NaN]],
    ["u16Be", "0", "65535", [-1, 65536]],
  ];
  for (const [key, from, to, values] of rows) {
    for (const value of values) {
      const name = key.replace("Be", "-be");
      assertThrows(
        () => encodeAttrs(ALL, { [key]: value }),
        RangeError,
        `${name} is not an integer from ${from} to ${to}: ${value}`,
      );
    }
  }
});

Deno.test("`encodeAttrs()` rejects a bigint that does not fit", () => {
  const rows: [key: string, from: bigint, to: bigint][] = [
    ["u64", 0n, 2n ** 64n - 1n],
    ["s64", -(2n ** 63n), 2n ** 63n - 1n],
  ];
  for (const [key, from, to] of rows) {
    for (const value of [from - 1n, to + 1n]) {
      assertThrows(
        () => encodeAttrs(ALL, { [key]: value }),
        RangeError,
        `${key} is not an integer from ${from} to ${to}: ${value}`,
      );
    }
  }
});

Deno.test("`encodeAttrs()` rejects a value of another type", () => {
  const rows: [attrs: Attrs, message: string][] = [
    [{ u8: 1n }, "u8 is not a number: 1"],
    [{ u16: "1" }, "u16 is not a number: 1"],
    [{ u32: null }, "u32 is not a number: null"],
    [{ s32: true }, "s32 is not a number: true"],
    [{ u64: 1 }, "u64 is not a bigint: 1"],
    [{ s64: "1" }, "s64 is not a bigint: 1"],
    [{ ipv4: "::1" }, 'Invalid IPv4 address "::1"'],
    [{ ipv6: "10.0.0.1" }, 'Invalid IPv6 address "10.0.0.1"'],
    [{ ipv4: 0x0a000101 }, "ipv4 is not a text or 4 bytes"],
    [{ ipv4: new Uint8Array(16) }, "ipv4 is not a text or 4 bytes"],
    [{ ipv6: hex("00") }, "ipv6 is not a text or 16 bytes"],
    [{ nest: null }, ""],
    [{ array: { id: 1 } }, ""],
    [{ bitfield32: null }, "bitfield32.value is not a number: undefined"],
    [{ bitfield32: { value: 1 } }, "bitfield32.selector is not a number"],
    [{ struct: 1 }, "struct is not an object: 1"],
    [{ struct: { z: 1 } }, 'Unknown member "z" of the struct "point"'],
    [{ texts: "a" }, "texts is not an array: a"],
  ];
  for (const [attrs, message] of rows) {
    assertThrows(() => encodeAttrs(ALL, attrs), TypeError, message);
  }
});

Deno.test("`encodeAttrs()` rejects what is no nest, no bytes, no text", () => {
  const wrong = [
    ...[{ nest: 5 }, { nest: null }, { array: {} }],
    ...[{ binary: "abc" }, { string: 5 }, { ipv4: 5 }, { ipv6: 5 }],
  ];
  for (const attrs of wrong) {
    const [name] = Object.keys(attrs);
    assertThrows(() => encodeAttrs(ALL, attrs), TypeError, `${name} is not a`);
  }
});

Deno.test("`encodeAttrs()` rejects a payload too long for its length", () => {
  // nla_len has 16 bits and counts the 4 bytes of the header.
  assertEquals(
    encodeAttrs(ALL, { u8: 1, binary: new Uint8Array(0xfffb) }).slice(0, 12),
    hex("0500 0100 01 000000 | ffff 0b00"),
  );
  const rows: Attrs[] = [
    { binary: new Uint8Array(0xfffc) },
    { string: "x".repeat(0xfffb) },
    { array: Array.from({ length: 0x4000 }, () => ({})) },
  ];
  for (const attrs of rows) {
    assertThrows(() => encodeAttrs(ALL, attrs), RangeError);
  }
});

Deno.test("`decodeAttrs()` rejects malformed attributes at every level", () => {
  const rows: [what: string, bytes: string, offset: number, path: string][] = [
    ["length 0", "0000 0100 00000000", 0, ""],
    ["length 1", "0100 0100 00000000", 0, ""],
    ["length 2", "0200 0100 00000000", 0, ""],
    ["length 3", "0300 0100 00000000", 0, ""],
    ["a length past the end", "0500 0100", 0, ""],
    ["the largest length", "ffff 0100 00000000", 0, ""],
    ["length 0 of an unknown attribute", "0000 ff00", 0, ""],
    ["the second attribute", "0500 0100 01 000000 0900 0300 00000000", 8, ""],
    ["a nest of length 3", "0300 0e80", 0, ""],
    ["a nest past the end", "0c00 0e80 0500 0200", 0, ""],
    ["in a nest, length 0", "0c00 0e80 0000 0200 05000000", 4, ".nest"],
    [
      "in a nest, past its end but not past that of the message",
      "0c00 0e80 0900 0200 05000000 0400 0d00",
      4,
      ".nest",
    ],
    [
      "in a nest, a u16 of 1 byte",
      "1400 0e80 0500 0200 05 000000 0500 0500 01 000000",
      16,
      ".nest.port",
    ],
    [
      "in a nest, an IPv4 of 3 bytes",
      "0b00 0e80 0700 0300 010203 00",
      8,
      ".nest.addr4",
    ],
    ["in an array, an entry of length 0", "0800 0f80 0000 0180", 4, ".array"],
    [
      "in an array, an entry past its end but not past that of the message",
      "0800 0f80 0800 0180 0400 0d00",
      4,
      ".array",
    ],
    [
      "in an entry, a length past its end",
      "1400 0f80 0400 0180 0c00 0280 0900 0200 05000000",
      12,
      ".array[1]",
    ],
    [
      "in an entry, a u32 of 2 bytes",
      "1000 0f80 0c00 0180 0600 0600 0100 0000",
      12,
      ".array[0].flags",
    ],
  ];
  for (const [what, bytes, offset, path] of rows) {
    assertDecodeError(() => decodeAttrs(ALL, hex(bytes)), offset, path, what);
  }
});

Deno.test("`decodeAttrs()` rejects every kind with a width but another one", () => {
  const rows: [kind: string, width: number][] = [
    ["u8", 1],
    ["u16", 2],
    ["u32", 4],
    ["u64", 8],
    ["s8", 1],
    ["s16", 2],
    ["s32", 4],
    ["s64", 8],
    ["ipv4", 4],
    ["ipv6", 16],
    ["flag", 0],
    ["bitfield32", 8],
    ["u16-be", 2],
    ["u32-be", 4],
    ["u64-be", 8],
    ["s16-be", 2],
    ["s32-be", 4],
    ["s64-be", 8],
  ];
  for (const [name, width] of rows) {
    const { type } = ALL.attrs.find((policy) => policy?.name === name)!;
    for (let other = 0; other <= 20; other++) {
      if (other === width) continue;
      const bytes = new Uint8Array(24);
      bytes.set([4 + other, 0, type, 0]);
      assertDecodeError(
        () => decodeAttrs(ALL, bytes.subarray(0, 4 + other)),
        4,
        `.${name}`,
        `${other} bytes`,
      );
    }
  }
});

Deno.test("`DecodeError` says what is wrong and where", () => {
  const { message, name } = assertThrows(
    () => decodeAttrs(ATTR, hex("0c00 0180 0600 0200 05000000")),
    Error,
  );
  assertEquals(name, "DecodeError");
  assertEquals(
    message,
    'Cannot decode attribute ".addr.id": 2 bytes, but u8 has 1 at byte 8',
  );
  assertStringIncludes(
    assertThrows(() => decodeAttrs(ATTR, hex("03000100")), Error).message,
    "Cannot decode message: attribute length 3, but 4 to 4 is possible at byte 0",
  );
});

Deno.test("`decodeAttrs()` is tolerant where the kernel is", () => {
  const rows: [what: string, bytes: string, attrs: Attrs][] = [
    ["an unknown number", "0800 ff00 00000000 | 0500 0100 07 000000", {
      u8: 7,
    }],
    ["number 0", "0400 0000 | 0500 0100 07 000000", { u8: 7 }],
    ["a hole in the table", "0400 1100 | 0500 0100 07 000000", { u8: 7 }],
    ["an unknown one in a nest", "0c00 0e80 0800 ff00 00000000", { nest: {} }],
    ["duplicates", "0500 0100 07 000000 | 0500 0100 08 000000", { u8: 8 }],
    [
      "duplicate nests: the last replaces the first",
      "0c00 0e80 0500 0200 05 000000 | 0c00 0e80 0600 0500 0700 0000",
      { nest: { port: 7 } },
    ],
    ["1 byte behind", "0500 0100 07 000000 01", { u8: 7 }],
    ["2 bytes behind", "0500 0100 07 000000 0102", { u8: 7 }],
    ["3 bytes behind", "0500 0100 07 000000 010203", { u8: 7 }],
    ["nothing but 3 bytes", "010203", {}],
    ["3 bytes behind, in a nest", "0700 0e80 010203 00", { nest: {} }],
    ["3 bytes behind, in an array", "0700 0f80 010203 00", { array: [] }],
    ["the last one without its padding", "0500 0100 07", { u8: 7 }],
    ["a nest without its flag", "0c00 0e00 0500 0200 05 000000", {
      nest: { id: 5 },
    }],
    ["NLA_F_NESTED on a scalar", "0500 0180 07 000000", { u8: 7 }],
    ["NLA_F_NET_BYTEORDER", "0600 0240 3412 0000", { u16: 0x1234 }],
    ["entries that count from 0", "0800 0f80 0400 0000", { array: [{}] }],
    ["a struct that is short", "0500 1800 07 000000", { struct: { x: 7 } }],
    ["a nest of several without its flag", "0400 1a00", { nests: [{}] }],
    ["others between several", "0500 1900 00 000000 0400 0d00 0400 1900", {
      texts: ["", ""],
      flag: true,
    }],
    ["a string without NUL", "0600 0c00 6c6f 0000", { string: "lo" }],
    ["a string with more behind its NUL", "0700 0c00 6c0078 00", {
      string: "l",
    }],
    ["a string of no bytes", "0400 0c00", { string: "" }],
    ["a string that is not UTF-8", "0600 0c00 ff00 0000", { string: "\ufffd" }],
  ];
  for (const [what, bytes, attrs] of rows) {
    assertEquals(decodeAttrs(ALL, hex(bytes)), attrs, what);
  }
});

Deno.test("`decodeAttrs()` keeps the order of the attributes", () => {
  const bytes = hex("0800 0300 02000000 | 0500 0100 01 000000 | 0400 0d00");
  assertEquals(Object.keys(decodeAttrs(ALL, bytes)), ["u32", "u8", "flag"]);
});

Deno.test("`decodeAttrs()` reads a part of a buffer", () => {
  const buffer = hex(
    "ff" + "0500 0100 07 000000" + "0800 0900 0a000101" + "ff",
  );
  const attrs = { u8: 7, ipv4: "10.0.1.1" };
  assertEquals(decodeAttrs(ALL, buffer.subarray(1, -1)), attrs);
  assertEquals(decodeAttrs(ALL, buffer, 1, buffer.length - 1), attrs);
  assertEquals(decodeAttrs(ALL, buffer, 1, 9), { u8: 7 });
  assertDecodeError(() => decodeAttrs(ALL, buffer, 1, 15), 9, "", "cut");
});

Deno.test("`decodeAttrs()` copies out of the buffer", () => {
  for (const [attrs, digits] of ON_THE_WIRE) {
    const bytes = hex(digits);
    const decoded = decodeAttrs(ALL, bytes);
    bytes.fill(0x55);
    assertEquals(decoded, attrs, digits);
  }
});
