import { assertEquals, assertThrows } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { EVENTS } from "../../codec/mptcp_pm.gen.ts";
import { decodeNlMessages } from "../../codec/nlmsghdr.ts";
import {
  decodeEvent,
  EVENT_TYPES,
  type PathManagerEvent,
} from "../../ops/event.ts";
import { attr, message, u16, u32, u8 } from "../helpers/netlink_bytes.ts";
import { type DecodedMessage, golden, goldenOf } from "../helpers/golden.ts";

const decode = (datagram: Uint8Array) =>
  decodeEvent(decodeNlMessages(datagram)[0]!);

/** An event of these attributes. */
const decodeAttrs = (cmd: number, ...attrs: Uint8Array[]) =>
  decode(message(28, 0, 0, Uint8Array.of(cmd, 1, 0, 0), ...attrs));

const CREATED = EVENTS.created.cmd;
const CLOSED = EVENTS.closed.cmd;
const ANNOUNCED = EVENTS.announced.cmd;
const REMOVED = EVENTS.removed.cmd;
const SUB_ESTABLISHED = EVENTS["sub-established"].cmd;
const SUB_CLOSED = EVENTS["sub-closed"].cmd;
const LISTENER_CREATED = EVENTS["listener-created"].cmd;

// Attributes as Linux writes them.
const token = attr(1, u32(0xfedcba98));
const remId = attr(4, u8(7));
const saddr4 = attr(5, Uint8Array.of(10, 0, 0, 1));
const daddr4 = attr(7, Uint8Array.of(10, 0, 0, 2));
const sport = attr(9, Uint8Array.of(0x0f, 0xa0));
const dport = attr(10, Uint8Array.of(0x13, 0x88));
const ends = [saddr4, daddr4, sport, dport];
const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };
const flags = (bits: number) => attr(13, u16(bits));
const serverSide = (value: number) => attr(18, u8(value));

/** The words of errors and reasons in the captures. */
const ERRORS: Readonly<Record<number, readonly [string, string]>> = {
  103: ["ECONNABORTED", "Software caused connection abort"],
  104: ["ECONNRESET", "Connection reset by peer"],
  111: ["ECONNREFUSED", "Connection refused"],
};

/** What an event ought to be, by what the independent program read. */
function expected({ event, attrs = {} }: DecodedMessage): unknown {
  const local = {
    address: attrs["saddr4"] ?? attrs["saddr6"],
    port: attrs["sport"],
  };
  const remote = {
    address: attrs["daddr4"] ?? attrs["daddr6"],
    port: attrs["dport"],
  };
  const base = { type: event, token: attrs["token"] };
  const ids = { locId: attrs["loc-id"], remId: attrs["rem-id"] };
  switch (event) {
    case "listener-created":
    case "listener-closed":
      return { type: event, local };
    case "closed":
      return base;
    case "removed":
      return { ...base, remId: attrs["rem-id"] };
    case "announced":
      return { ...base, remId: attrs["rem-id"], ...remote };
    case "created":
    case "established":
      return {
        ...base,
        local,
        remote,
        ...ids,
        serverSide: attrs["server-side"] === 1,
        denyJoinId0: [1, 3].includes(attrs["flags"] as number),
        flags: attrs["flags"] ?? 0,
      };
    default: {
      const errno = attrs["error"] as number | undefined;
      const [code, message] = ERRORS[errno ?? 0] ?? [];
      return {
        ...base,
        local,
        remote,
        ...ids,
        backup: attrs["backup"] === 1,
        ifIndex: attrs["if-idx"] ?? 0,
        ...errno !== undefined && { error: { errno, code, message } },
        // The captures have reason 0 alone.
        ...attrs["reset-reason"] === 0 && {
          reset: {
            reason: 0,
            name: "unspec",
            message: "No reason was given.",
            flags: attrs["reset-flags"],
            transient: false,
          },
        },
      };
    }
  }
}

Deno.test("`decodeEvent()` reads all captured events as another program did", () => {
  const seen = new Set<string>();
  const captured = goldenOf("event");
  assertEquals(captured.length, 81);
  for (const { name, bytes, decoded } of captured) {
    assertEquals(decode(bytes) as unknown, expected(decoded), name);
    seen.add(decoded.event!);
  }
  assertEquals([...seen].toSorted(), Object.keys(EVENTS).toSorted());
});

Deno.test("`decodeEvent()` leaves nothing undefined, and nothing of the datagram", () => {
  for (const { name, bytes } of goldenOf("event")) {
    const event = decode(bytes);
    const text = JSON.stringify(event);
    bytes.fill(0xee);
    assertEquals(JSON.stringify(event), text, name);
    const holes = Object.values(event).filter((value) => value === undefined);
    assertEquals(holes, [], name);
  }
});

Deno.test("`decodeEvent()` keeps the family that the kernel wrote", () => {
  const rows: [name: string, addresses: string[]][] = [
    ["event/kpm-v4/client/created", ["10.77.1.1", "10.77.1.2"]],
    ["event/kpm-v6/server/created", ["fd77:1::2", "fd77:1::1"]],
    ["event/kpm-v4mapped-server/client/created", ["10.77.1.1", "10.77.1.2"]],
    ["event/kpm-v4mapped-server/server/created", [
      "::ffff:10.77.1.2",
      "::ffff:10.77.1.1",
    ]],
  ];
  for (const [name, addresses] of rows) {
    const event = decode(golden(name).bytes) as PathManagerEvent & {
      type: "created";
    };
    assertEquals([event.local.address, event.remote.address], addresses);
  }
  const v6 = golden("event/upm-v4-announce-v6/client/announced").bytes;
  const event = decode(v6) as PathManagerEvent & { type: "announced" };
  assertEquals(event.address.includes(":"), true);
  assertEquals("local" in event, false);
});

Deno.test("`decodeEvent()` knows the server in both encodings", () => {
  const rows: [attrs: Uint8Array[], boolean, boolean, number][] = [
    // Linux 6.18: flags where there are any, the attribute on servers.
    [[], false, false, 0],
    [[flags(1)], false, true, 1],
    [[serverSide(1), flags(2)], true, false, 2],
    [[serverSide(1), flags(3)], true, true, 3],
    // The attribute may go.
    [[flags(2)], true, false, 2],
    // Before: the attribute always, with 0 or 1.
    [[serverSide(0)], false, false, 0],
    [[serverSide(1)], true, false, 0],
    [[serverSide(0), flags(1)], false, true, 1],
    [[serverSide(1), flags(1)], true, true, 1],
    [[serverSide(255)], true, false, 0],
    // Bits of later kernels.
    [[flags(0xfffc)], false, false, 0xfffc],
    [[flags(0x8003)], true, true, 0x8003],
  ];
  for (const [attrs, serverSide, denyJoinId0, bits] of rows) {
    for (const type of ["created", "established"] as const) {
      assertEquals(
        decodeAttrs(EVENTS[type].cmd, token, ...ends, ...attrs),
        {
          type,
          token: 0xfedcba98,
          local,
          remote,
          locId: 0,
          remId: 0,
          serverSide,
          denyJoinId0,
          flags: bits,
        },
      );
    }
  }
});

/** What an event of a subflow says of its error, its reset and its device. */
function subflow(...attrs: Uint8Array[]): unknown {
  const { type, token: _, local: _l, remote: _r, locId, remId, ...rest } =
    decodeAttrs(SUB_CLOSED, token, ...ends, ...attrs) as
      & PathManagerEvent
      & { type: "sub-closed" };
  assertEquals([type, locId, remId], ["sub-closed", 0, 0]);
  return rest;
}

const plain = { backup: false, ifIndex: 0 };

Deno.test("`decodeEvent()` gives number, name and text of an error", () => {
  const rows: [number, string, string][] = [
    [101, "ENETUNREACH", "Network is unreachable"],
    [103, "ECONNABORTED", "Software caused connection abort"],
    [104, "ECONNRESET", "Connection reset by peer"],
    [110, "ETIMEDOUT", "Connection timed out"],
    [111, "ECONNREFUSED", "Connection refused"],
    [255, "E255", "Unknown error 255"],
  ];
  for (const [errno, code, message] of rows) {
    assertEquals(subflow(attr(12, u8(errno))), {
      ...plain,
      error: { errno, code, message },
    });
  }
  assertEquals(subflow(attr(12, u8(0))), plain);
});

Deno.test("`decodeEvent()` gives number, name and text of a reset", () => {
  const rows: [reason: number, name: string, message: RegExp][] = [
    [0, "unspec", /^No reason/],
    [1, "mptcp", /error in the MPTCP options/],
    [2, "resource", /not enough resources/],
    [3, "prohibit", /policy forbids/],
    [4, "wq2big", /Too much data/],
    [5, "badperf", /performs too badly/],
    [6, "middlebox", /middlebox/],
    [7, "unknown", /^A reason that RFC 8684 does not have\.$/],
    [0xffffffff, "unknown", /^A reason that RFC 8684 does not have\.$/],
  ];
  for (const [reason, name, pattern] of rows) {
    const { reset, ...rest } = subflow(attr(16, u32(reason))) as {
      reset: { message: string };
    };
    const { message } = reset;
    assertEquals(pattern.test(message), true, message);
    assertEquals([rest, reset], [
      plain,
      { reason, name, message, flags: 0, transient: false },
    ] as unknown[]);
  }
});

Deno.test("`decodeEvent()` keeps all flags of a reset, and knows the first", () => {
  const rows: [flags: number, transient: boolean][] = [
    [0, false],
    [1, true],
    [2, false],
    [0xffffffff, true],
  ];
  for (const [flags, transient] of rows) {
    const { reset } = subflow(attr(16, u32(6)), attr(17, u32(flags))) as {
      reset: { flags: number; transient: boolean };
    };
    assertEquals([reset.flags, reset.transient], [flags, transient]);
  }
  // Flags are about a reason.
  assertEquals(subflow(attr(17, u32(1))), plain);
});

Deno.test("`decodeEvent()` keeps the index of the device, which has no name yet", () => {
  for (const ifIndex of [0, 3, 0x7fffffff]) {
    assertEquals(subflow(attr(15, u32(ifIndex))), { ...plain, ifIndex });
  }
});

Deno.test("`decodeEvent()` takes any number but 0 for a wish for backup", () => {
  for (const [value, backup] of [[0, false], [1, true], [2, true]] as const) {
    assertEquals(subflow(attr(11, u8(value))), { ...plain, backup });
  }
});

Deno.test("`decodeEvent()` keeps the ids, 255 too", () => {
  const event = decodeAttrs(
    SUB_ESTABLISHED,
    token,
    ...ends,
    attr(3, u8(255)),
    attr(4, u8(254)),
  );
  assertEquals(event, {
    type: "sub-established",
    token: 0xfedcba98,
    local,
    remote,
    locId: 255,
    remId: 254,
    ...plain,
  });
});

Deno.test("`decodeEvent()` leaves an event that it does not know as it is", () => {
  const known = Object.values(EVENTS).map(({ cmd }) => cmd);
  for (const cmd of [0, 4, 5, 8, 9, 12, 14, 17, 255]) {
    assertEquals(known.includes(cmd), false);
    assertEquals(decodeAttrs(cmd), { type: "unknown", cmd, attrs: {} });
    assertEquals(
      decodeAttrs(cmd, token, saddr4, sport, attr(99, u32(1)), attr(77)),
      {
        type: "unknown",
        cmd,
        attrs: { token: 0xfedcba98, saddr4: "10.0.0.1", sport: 4000 },
      },
    );
  }
});

Deno.test("`decodeEvent()` takes what lacks something for unknown", () => {
  const rows: [cmd: number, attrs: Uint8Array[]][] = [
    [CLOSED, []],
    [CLOSED, [attr(1, u32(0))]],
    [REMOVED, [remId]],
    [REMOVED, [token]],
    [ANNOUNCED, [token, remId]],
    [ANNOUNCED, [token, remId, daddr4]],
    [ANNOUNCED, [token, remId, dport]],
    [ANNOUNCED, [token, daddr4, dport]],
    [ANNOUNCED, [remId, daddr4, dport]],
    ...[LISTENER_CREATED, EVENTS["listener-closed"].cmd].flatMap((cmd) =>
      [[], [saddr4], [sport]].map((attrs): [number, Uint8Array[]] => [
        cmd,
        attrs,
      ])
    ),
    ...[CREATED, SUB_ESTABLISHED, SUB_CLOSED].flatMap((cmd) =>
      [token, ...ends].map((missing): [number, Uint8Array[]] => [
        cmd,
        [token, ...ends].filter((one) => one !== missing),
      ])
    ),
  ];
  for (const [cmd, attrs] of rows) {
    const event = decodeAttrs(cmd, ...attrs);
    assertEquals([event.type, "cmd" in event && event.cmd], ["unknown", cmd]);
    const values = (event as PathManagerEvent & { type: "unknown" }).attrs;
    assertEquals(Object.keys(values).length, attrs.length);
  }
});

Deno.test("`decodeEvent()` needs no more than that", () => {
  const rows: [cmd: number, attrs: Uint8Array[], type: string][] = [
    [CLOSED, [token], "closed"],
    [REMOVED, [token, remId], "removed"],
    [REMOVED, [token, attr(4, u8(0))], "removed"],
    [ANNOUNCED, [token, remId, daddr4, dport], "announced"],
    [LISTENER_CREATED, [saddr4, sport], "listener-created"],
    [CREATED, [token, ...ends], "created"],
    [SUB_ESTABLISHED, [token, ...ends], "sub-established"],
    [SUB_ESTABLISHED, [token, ...ends, attr(99)], "sub-established"],
  ];
  for (const [cmd, attrs, type] of rows) {
    assertEquals(decodeAttrs(cmd, ...attrs).type, type);
  }
});

Deno.test("`decodeEvent()` refuses malformed bytes, and says where they are", () => {
  const rows: [name: string, datagram: Uint8Array, text: string][] = [
    [
      "no header",
      message(28, 0, 0, Uint8Array.of(1, 1, 0)),
      "Cannot decode message: 3 bytes, less than a generic-netlink header at " +
      "byte 0",
    ],
    [
      "a token of two bytes",
      message(28, 0, 0, Uint8Array.of(3, 1, 0, 0), attr(1, u16(7))),
      'Cannot decode attribute ".token": 2 bytes, but u32 has 4 at byte 4',
    ],
    [
      "an address of five bytes",
      message(
        28,
        0,
        0,
        Uint8Array.of(15, 1, 0, 0),
        sport,
        attr(5, new Uint8Array(5)),
      ),
      'Cannot decode attribute ".saddr4": 5 bytes, but ipv4 has 4 at byte 12',
    ],
    [
      "an attribute past the end, of an unknown event",
      message(28, 0, 0, Uint8Array.of(99, 1, 0, 0, 9, 0, 1, 0, 1, 2, 3, 4)),
      "Cannot decode message: attribute length 9, but 4 to 8 is possible at " +
      "byte 0",
    ],
  ];
  for (const [name, datagram, text] of rows) {
    const error = assertThrows(() => decode(datagram), DecodeError);
    assertEquals(error.message, text, name);
  }
});

Deno.test("`EVENT_TYPES` has all names of the specification, and two more", () => {
  const names: string[] = Object.keys(EVENTS);
  assertEquals<readonly string[]>(EVENT_TYPES, [
    ...names,
    "overrun",
    "unknown",
  ]);
  assertEquals(new Set(EVENT_TYPES).size, 12);
});
