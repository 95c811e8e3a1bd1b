/** Random input, from a fixed seed: the same on every run and every machine. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  ATTR,
  attrPathAt,
  decodeAttrs,
  DecodeError,
  decodeFamily,
  decodeGenlPayload,
  decodeNlMessages,
  decodeVerdict,
  encodeAttrs,
  ENDPOINT,
  EVENT_ATTR,
  formatIPv4,
  formatIPv6,
  GENL_ID_CTRL,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseIPv4,
  parseIPv6,
  SUBFLOW_ATTRIBUTE,
} from "../../codec/mod.ts";
import { golden, goldenNames } from "../support/golden.ts";

/** `random(n)` is an integer from 0 to n - 1 (xorshift32). */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

const corpus = goldenNames().map((name) => golden(name).bytes);

/** Decodes with all that could be meant by the message. */
function decodeAll(message: NlMessage): unknown[] {
  const { type, payload } = message;
  if (type === NLMSG_ERROR || type === NLMSG_DONE) {
    return [decodeVerdict(message)];
  }
  if (type === GENL_ID_CTRL) return [attempt(() => decodeFamily(message))];
  const { attrs } = decodeGenlPayload(payload);
  return [
    ...[ENDPOINT, ATTR, EVENT_ATTR, SUBFLOW_ATTRIBUTE].map((set) =>
      attempt(() => decodeAttrs(set, attrs))
    ),
    ...[0, 4, 13, attrs.length].map((offset) =>
      attempt(() => attrPathAt(ATTR, attrs, offset))
    ),
  ];
}

/** What `decode` returns, or the place and text of its `DecodeError`. */
function attempt(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    assert(Number.isInteger(error.offset) && error.offset >= 0, error.message);
    return error.message;
  }
}

function decodeDatagram(bytes: Uint8Array): unknown {
  return attempt(() =>
    decodeNlMessages(bytes).map((message) => attempt(() => decodeAll(message)))
  );
}

/** Values that a length or a number goes wrong at. */
const EDGES = [0, 1, 2, 3, 4, 5, 8, 15, 16, 19, 20, 0x7f, 0x80, 0xfe, 0xff];

function mutate(random: (n: number) => number): Uint8Array<ArrayBuffer> {
  let bytes = corpus[random(corpus.length)]!.slice();
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(bytes.length + 1);
    switch (random(7)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at]! ^= 1 << random(8);
        break;
      case 2: // lengths are at multiples of 4
        bytes[at & ~3] = EDGES[random(EDGES.length)]!;
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4: // the length of the message follows
        bytes = bytes.slice(0, at);
        if (at >= 4) new DataView(bytes.buffer).setUint32(0, at, true);
        break;
      case 5:
        bytes.copyWithin(at, random(bytes.length + 1));
        break;
      case 6: {
        const other = corpus[random(corpus.length)]!;
        const tail = other.subarray(random(other.length));
        const joined = new Uint8Array(at + tail.length);
        joined.set(bytes.subarray(0, at));
        joined.set(tail, at);
        bytes = joined;
      }
    }
  }
  return bytes;
}

Deno.test("decoding mutated captures throws nothing but `DecodeError`", () => {
  const random = generator(8684);
  let decoded = 0;
  for (let run = 0; run < 30_000; run++) {
    const bytes = mutate(random);
    try {
      if (typeof decodeDatagram(bytes) !== "string") decoded++;
    } catch (cause) {
      throw new Error(`run ${run}: ${bytes.toHex()}`, { cause });
    }
  }
  // Enough of them get past the first header.
  assertGreater(decoded, 10_000);
});

Deno.test("decoding every prefix of a capture throws nothing else either", () => {
  for (const [index, bytes] of corpus.entries()) {
    assert(Array.isArray(decodeDatagram(bytes)), goldenNames()[index]);
    for (let end = 0; end < bytes.length; end++) {
      const cut = bytes.slice(0, end);
      decodeDatagram(cut);
      if (end < 16) continue;
      new DataView(cut.buffer).setUint32(0, end, true);
      decodeDatagram(cut);
    }
  }
});

Deno.test("decoding depends on no byte outside the datagram", () => {
  const random = generator(6356);
  for (let run = 0; run < 5_000; run++) {
    const bytes = mutate(random);
    const expected = decodeDatagram(bytes);
    for (const around of [0x00, 0xff]) {
      const buffer = new Uint8Array(bytes.length + 40).fill(around);
      buffer.set(bytes, 3);
      assertEquals(
        decodeDatagram(buffer.subarray(3, 3 + bytes.length)),
        expected,
        bytes.toHex(),
      );
    }
  }
});

Deno.test("random attributes survive encoding and decoding", () => {
  const random = generator(793);
  const maybe = <T>(value: T) => random(3) ? value : undefined;
  const integer = (bits: number) =>
    random(4) ? random(2 ** bits) : random(2) * (2 ** bits - 1);
  const address = (length: number) =>
    Uint8Array.from({ length }, () => random(3) ? random(256) : 0);
  const addr = () =>
    present({
      family: maybe(integer(16)),
      id: maybe(integer(8)),
      addr4: maybe(formatIPv4(address(4))),
      addr6: maybe(formatIPv6(address(16))),
      port: maybe(integer(16)),
      flags: maybe(integer(32)),
      ifIdx: maybe(integer(32) | 0),
    });
  for (let run = 0; run < 2_000; run++) {
    const attrs = present({
      addr: maybe(addr()),
      rcvAddAddrs: maybe(integer(32)),
      token: maybe(integer(32)),
      locId: maybe(integer(8)),
      addrRemote: maybe(addr()),
    });
    assertEquals(decodeAttrs(ATTR, encodeAttrs(ATTR, attrs)), attrs);
  }
});

/** An object without the properties that are undefined. */
function present(attrs: object): object {
  return Object.fromEntries(
    Object.entries(attrs).filter(([, value]) => value !== undefined),
  );
}

Deno.test("random addresses survive writing and reading", () => {
  const random = generator(5952);
  const address = (length: number) =>
    Uint8Array.from({ length }, () => random(3) ? 0 : random(256));
  for (let run = 0; run < 5_000; run++) {
    const [four, six] = [address(4), address(16)];
    assertEquals(parseIPv4(formatIPv4(four)), four);
    assertEquals(parseIPv6(formatIPv6(six)), six);
  }
});

Deno.test("reading random text as an address throws nothing but `TypeError`", () => {
  const random = generator(4291);
  const letters = [
    "0",
    "1",
    "9",
    "f",
    ":",
    "::",
    ".",
    "10.0",
    "ffff",
    "%",
    "x",
  ];
  let accepted = 0;
  for (let run = 0; run < 30_000; run++) {
    const text = Array.from(
      { length: 1 + random(10) },
      () => letters[random(letters.length)],
    ).join("");
    for (const [parse, length] of [[parseIPv4, 4], [parseIPv6, 16]] as const) {
      try {
        assertEquals(parse(text).length, length);
        accepted++;
      } catch (error) {
        assert(error instanceof TypeError, text);
      }
    }
  }
  assertGreater(accepted, 100);
});
