import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  AF_INET,
  AF_INET6,
  familyOf,
  formatIPv4,
  formatIPv6,
  isIPv4Mapped,
  isSameAddress,
  parseAddress,
  parseIPv4,
  parseIPv6,
} from "../../codec/mod.ts";
import inet from "../golden/inet.jsonl" with { type: "text" };
import { hex } from "../helpers/bytes.ts";
import { goldenLines } from "../helpers/golden.ts";

type Written = { hex: string; text: string };
type Read = { input: string; hex: string | null };

const lines = goldenLines<Written | Read>(inet);
const written = lines.filter((line) => "text" in line);
const read = lines.filter((line) => "input" in line);

const parse = (text: string) =>
  text.includes(":") ? parseIPv6(text) : parseIPv4(text);
const format = (bytes: Uint8Array) =>
  bytes.length === 4 ? formatIPv4(bytes) : formatIPv6(bytes);

Deno.test("`formatIPv4()` and `formatIPv6()` write as the C library", () => {
  assertEquals(written.length, 338);
  for (const { hex: bytes, text } of written) {
    assertEquals(format(hex(bytes)), text, bytes);
  }
});

Deno.test("`parseIPv4()` and `parseIPv6()` read what the C library wrote", () => {
  for (const { hex: bytes, text } of written) {
    assertEquals(parse(text), hex(bytes), text);
  }
});

Deno.test("`parseIPv4()` and `parseIPv6()` accept what the C library does", () => {
  const accepted = read.filter(({ hex }) => hex !== null);
  assertEquals(accepted.length, 28);
  for (const { input, hex: bytes } of accepted) {
    assertEquals(parse(input), hex(bytes!), input);
  }
});

Deno.test("`parseIPv4()` and `parseIPv6()` reject what the C library does", () => {
  const refused = read.filter(({ hex }) => hex === null);
  assertEquals(refused.length, 84);
  for (const { input } of refused) {
    assertThrows(() => parse(input), TypeError, "Invalid IP", input);
    assertThrows(() => familyOf(input), TypeError, "Invalid IP", input);
  }
});

Deno.test("`parseIPv4()` says what is wrong", () => {
  const rows: [text: string, why: string][] = [
    ["", "4 numbers are needed, not 1"],
    ["10.1", "4 numbers are needed, not 2"],
    ["1.2.3.4.5", "4 numbers are needed, not 5"],
    ["1..2.3", '"" is not a decimal number'],
    ["0x10.1.1.1", '"0x10" is not a decimal number'],
    ["1.2.3.4/24", '"4/24" is not a decimal number'],
    ["1.2.3.-4", '"-4" is not a decimal number'],
    ["::1", "4 numbers are needed, not 1"],
    ["010.0.0.1", '"010" may be read as octal'],
    ["1.2.3.00", '"00" may be read as octal'],
    ["256.0.0.1", "256 is above 255"],
    ["1.2.3.1000", "1000 is above 255"],
    ["1.2.3.99999999999999999999", "99999999999999999999 is above 255"],
  ];
  for (const [text, why] of rows) {
    const error = assertThrows(() => parseIPv4(text), TypeError);
    assertEquals(error.message, `Invalid IPv4 address "${text}": ${why}`);
  }
});

Deno.test("`parseIPv6()` says what is wrong", () => {
  const rows: [text: string, why: string][] = [
    ["", "8 groups are needed, not 0"],
    ["1:2:3", "8 groups are needed, not 3"],
    ["1:2:3:4:5:6:7:8:9", "8 groups are needed, not 9"],
    ["1:2:3:4:5:6:7:1.2.3.4", "8 groups are needed, not 9"],
    ["1:2:3:4::5:6:7:8", '"::" stands for one group at least'],
    ["1:2:3:4:5:6:7:8::", '"::" stands for one group at least'],
    ["1::2::3", '"::" occurs twice'],
    ["::::", '"::" occurs twice'],
    [":::", '"" is not 1 to 4 hex digits'],
    ["1::2:", '"" is not 1 to 4 hex digits'],
    ["12345::", '"12345" is not 1 to 4 hex digits'],
    ["::g", '"g" is not 1 to 4 hex digits'],
    ["1.2.3.4::", '"1.2.3.4" is not 1 to 4 hex digits'],
    ["::1.2.3.4:5", '"1.2.3.4" is not 1 to 4 hex digits'],
    ["::1/64", '"1/64" is not 1 to 4 hex digits'],
    ["fe80::1%eth0", "a zone is not part of it, name the device"],
  ];
  for (const [text, why] of rows) {
    const error = assertThrows(() => parseIPv6(text), TypeError);
    assertEquals(error.message, `Invalid IPv6 address "${text}": ${why}`);
  }
  assertThrows(
    () => parseIPv6("::ffff:010.0.0.1"),
    TypeError,
    'Invalid IPv4 address "010.0.0.1": "010" may be read as octal',
  );
});

Deno.test("`familyOf()` tells IPv4 and IPv6 apart", () => {
  assertEquals([AF_INET, AF_INET6], [2, 10]); // as in the captures
  for (const { hex, text } of written) {
    assertEquals(familyOf(text), hex.length === 8 ? AF_INET : AF_INET6, text);
  }
});

Deno.test("`isIPv4Mapped()` knows `::ffff:0:0/96` only", () => {
  for (const text of ["::ffff:10.0.1.1", "::ffff:0:0", "::ffff:ffff:ffff"]) {
    assert(isIPv4Mapped(parseIPv6(text)), text);
  }
  for (
    const text of [
      "::",
      "::10.0.1.1",
      "::fffe:a00:101",
      "::feff:a00:101",
      "::ffff:0:a00:101",
      "1::ffff:a00:101",
      "100::ffff:a00:101",
      "::1:ffff:a00:101",
    ]
  ) {
    assertFalse(isIPv4Mapped(parseIPv6(text)), text);
  }
  assertFalse(isIPv4Mapped(hex("0a000101")), "IPv4 itself");
});

Deno.test("`parseAddress()` reads what the C library wrote", () => {
  for (const { hex: bytes, text } of written) {
    assertEquals(parseAddress(text), {
      family: bytes.length === 8 ? AF_INET : AF_INET6,
      bytes: hex(bytes),
      text,
    });
  }
  assertEquals(parseAddress("2001:DB8:0:0::1").text, "2001:db8::1");
});

Deno.test("`parseAddress()` says what is wrong", () => {
  const rows: [text: unknown, message: string][] = [
    [7, "Invalid address 7: a text is needed"],
    ["10.0.1.1/24", '"10.0.1.1/24": it is given without prefix length'],
    ["::/0", '"::/0": it is given without prefix length'],
    ["eth0", '"eth0": an IPv4 or IPv6 address is needed'],
    ["10.0.0.1%eth0", '"10.0.0.1%eth0": a zone is not part of it'],
    ["10.0.0.1%1", '"10.0.0.1%1": a zone is not part of it'],
    ["[fd00::1]", '"[fd00::1]": brackets are no part of it'],
    ["eth0.1.2.3", '"eth0.1.2.3": an IPv4 or IPv6 address is needed'],
    ["0x7f.0.0.1", '"0x7f" is not a decimal number'],
    ["", '"": an IPv4 or IPv6 address is needed'],
    ["10.0.1", "4 numbers are needed, not 3"],
    ["::g", '"g" is not 1 to 4 hex digits'],
  ];
  for (const [text, message] of rows) {
    assertThrows(() => parseAddress(text as string), TypeError, message);
  }
});

Deno.test("`isSameAddress()` compares as the kernel does", () => {
  const rows: [one: string, other: string, isSame: boolean][] = [
    ["10.0.1.1", "10.0.1.1", true],
    ["10.0.1.1", "10.0.1.2", false],
    ["10.0.1.1", "::ffff:a00:101", true],
    ["10.0.1.1", "::ffff:10.0.1.2", false],
    ["10.0.1.1", "::10.0.1.1", false],
    ["::ffff:10.0.1.1", "::FFFF:A00:101", true],
    ["fd00::1", "FD00:0:0::0001", true],
    ["fd00::1", "fd00::2", false],
    ["::", "0.0.0.0", false],
  ];
  for (const [one, other, isSame] of rows) {
    const [a, b] = [parseAddress(one), parseAddress(other)];
    assertEquals(isSameAddress(a, b), isSame, `${one} ${other}`);
    assertEquals(isSameAddress(b, a), isSame, `${other} ${one}`);
  }
});
