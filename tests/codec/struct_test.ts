import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeStruct,
  encodeStruct,
  type StructPolicy,
} from "../../codec/mod.ts";
import { assertDecodeError, hex } from "../helpers/bytes.ts";

interface Values {
  readonly small?: number;
  readonly port?: number;
  readonly address?: Uint8Array;
  readonly signed?: number;
  readonly wide?: bigint;
}

/** 1 byte of padding at 1, 3 at 9. */
const SAMPLE: StructPolicy<Values> = {
  name: "sample",
  length: 24,
  members: [
    { key: "small", kind: "u8", offset: 0 },
    { key: "port", kind: "u16", offset: 2, bigEndian: true },
    { key: "address", kind: "binary", offset: 4, length: 5 },
    { key: "signed", kind: "s32", offset: 12 },
    { key: "wide", kind: "u64", offset: 16 },
  ],
};

const BYTES = hex("07 00 1234 0a00010203 000000 feffffff 0807060504030201");
const VALUES: Values = {
  small: 7,
  port: 0x1234,
  address: hex("0a00010203"),
  signed: -2,
  wide: 0x0102030405060708n,
};

Deno.test("`encodeStruct()` writes members where they are, and zeros between", () => {
  assertEquals(encodeStruct(SAMPLE, VALUES), BYTES);
  assertEquals(encodeStruct(SAMPLE, {}), new Uint8Array(24));
  // @ts-expect-error: undefined is no value
  const bytes = encodeStruct(SAMPLE, { small: undefined, address: hex("ff") });
  assertEquals(bytes.toHex(), "00000000ff".padEnd(48, "0"));
});

Deno.test("`encodeStruct()` rejects what does not fit", () => {
  const rows: [values: object, error: typeof TypeError, message: string][] = [
    [
      { small: 1, other: undefined, smal: 1 },
      TypeError,
      'Unknown member "smal" of the struct "sample": ' +
      "known are small, port, address, signed, wide",
    ],
    [{ small: 256 }, RangeError, "small is not an integer from 0 to 255: 256"],
    [{ wide: 1 }, TypeError, "wide is not a bigint: 1"],
    [{ address: "::" }, TypeError, "address is not at most 5 bytes: ::"],
    [{ address: new Uint8Array(6) }, TypeError, "address is not at most 5"],
  ];
  for (const [values, error, message] of rows) {
    assertThrows(() => encodeStruct(SAMPLE, values), error, message);
  }
});

Deno.test("`decodeStruct()` takes any length, and members that are whole", () => {
  const ends = { small: 1, port: 4, address: 9, signed: 16, wide: 24 };
  for (let length = 0; length <= 30; length++) {
    const bytes = new Uint8Array(length);
    bytes.set(BYTES.subarray(0, length));
    const known = Object.entries(VALUES)
      .filter(([key]) => ends[key as keyof Values] <= length);
    assertEquals(decodeStruct(SAMPLE, bytes), Object.fromEntries(known));
    // In the midst of other bytes.
    const around = new Uint8Array(40).fill(0xff);
    around.set(bytes, 5);
    assertEquals(
      decodeStruct(SAMPLE, around, 5, 5 + length),
      Object.fromEntries(known),
    );
  }
});

Deno.test("`decodeStruct()` rejects a header cut", () => {
  const header = { ...SAMPLE, isHeader: true } as const;
  assertEquals(decodeStruct(header, BYTES), VALUES);
  for (const [start, end] of [[0, 23], [1, 24], [24, 24], [0, 0]] as const) {
    const decode = () => decodeStruct(header, BYTES, start, end);
    assertDecodeError(decode, start, "", `${start} to ${end}`);
  }
});

Deno.test("`decodeStruct()` copies out of the buffer", () => {
  const bytes = BYTES.slice();
  const decoded = decodeStruct(SAMPLE, bytes);
  bytes.fill(0xff);
  assertEquals(decoded, VALUES);
});
