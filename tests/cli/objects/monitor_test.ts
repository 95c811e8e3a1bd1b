import { assert, assertEquals, assertMatch } from "@std/assert";
import { EVENT_TYPES } from "../../../ops/event.ts";
import { SyscallError } from "../../../mod.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import {
  type DecodedAttrs,
  type Golden,
  golden,
  goldenLines,
  goldenOf,
} from "../../helpers/golden.ts";
import monitor from "../../golden/monitor.jsonl" with { type: "text" };
import { type Ran, run } from "../../helpers/run_main.ts";

type Delivery = Uint8Array<ArrayBuffer> | Error;

/** A kernel where some things happen, and then somebody stops the program. */
class Eventful extends FakeKernel {
  readonly #events: readonly Delivery[];
  readonly #stop = new AbortController();
  readonly signal = this.#stop.signal;

  constructor(events: readonly Delivery[]) {
    super();
    this.#events = events;
    // As in the namespaces that the golden bytes are from.
    this.devices.clear();
    this.devices.set("kic2", 3).set("kic3", 4);
  }

  override subscribe(protocol: number, groups: readonly number[]) {
    const subscription = super.subscribe(protocol, groups);
    for (const event of this.#events) subscription.deliver(event);
    // Waiting, because all was taken.
    subscription.readable = () => Promise.resolve(this.#stop.abort());
    return subscription;
  }
}

/** Runs a command line while some things happen. */
async function watch(
  line: string,
  events: readonly Delivery[],
  kernel: Eventful = new Eventful(events),
): Promise<Ran> {
  const ran = await run(line, kernel, kernel.signal);
  assertEquals(kernel.subscriptions.map(({ closed }) => closed), [true]);
  assertEquals(kernel.transports.map(({ closed }) => closed), [true]);
  return ran;
}

/** What is printed of events, when all is well. */
async function shown(line: string, ...events: Delivery[]): Promise<string> {
  const { code, out, err } = await watch(line, events);
  assertEquals([code, err], [0, ""]);
  return out;
}

/** The captured bytes with some of them changed: hexadecimal, each once. */
function changed(name: string, ...changes: [from: string, to: string][]) {
  let hex = golden(name).bytes.toHex();
  for (const [from, to] of changes) {
    assertEquals([from, hex.split(from).length], [from, 2]);
    hex = hex.replace(from, to);
  }
  return Uint8Array.fromHex(hex);
}

/** Each attribute and what it is called, in the order of `ip`. */
const KEYS = {
  "token": "token",
  "rem-id": "remid",
  "loc-id": "locid",
  "saddr4": "saddr4",
  "daddr4": "daddr4",
  "saddr6": "saddr6",
  "daddr6": "daddr6",
  "sport": "sport",
  "dport": "dport",
  "backup": "backup",
  "error": "error",
  "if-idx": "ifindex",
  "dev": "dev",
  "reset-reason": "reset_reason",
  "reset-flags": "reset_flags",
  "server": "server_side",
  "deny": "deny_join_id0",
};

const NAMES: { readonly [event: string]: string } = {
  "sub-established": "SF_ESTABLISHED",
  "sub-closed": "SF_CLOSED",
  "sub-priority": "SF_PRIO",
};

/** What `ip` would print, by what an independent program decoded. */
function expected({ event, attrs }: Golden["decoded"]): [string, string] {
  const name = NAMES[event!] ?? event!.toUpperCase().replace("-", "_");
  const flags = attrs!["flags"] as number;
  const all: DecodedAttrs = {
    ...attrs,
    ..."if-idx" in attrs! && { dev: `kic${attrs["if-idx"] as number - 1}` },
    ...flags & 2 && { server: true },
    ...flags & 1 && { deny: true },
  };
  let text = `[${name.padStart(16)}]`;
  const json: Record<string, unknown> = { event: name };
  for (const [attr, key] of Object.entries(KEYS)) {
    const value = all[attr];
    if (value === undefined) continue;
    const hex = Number(value).toString(16);
    text += value === true
      ? ` ${key}`
      : ` ${key}=${attr === "token" ? hex.padStart(8, "0") : value}`;
    json[key] = attr === "token"
      ? `0x${hex}`
      : attr === "reset-flags"
      ? hex
      : value;
  }
  return [`${text}\n`, `${JSON.stringify(json)}\n`];
}

Deno.test("`monitor` prints each captured event as `ip mptcp monitor` does", async () => {
  const events = goldenOf("event");
  assertEquals(events.length, 81);
  const lines = events.map(({ decoded }) => expected(decoded));
  const bytes = events.map(({ bytes }) => bytes);
  assertEquals(
    await shown("monitor", ...bytes),
    lines.map(([text]) => text).join(""),
  );
  assertEquals(
    await shown("-j monitor", ...bytes),
    lines.map(([, json]) => json).join(""),
  );
});

/** What the kernel chose in the run that `ip` saw, and in those of the bytes. */
const CHOSEN: { readonly [run: string]: readonly (readonly string[])[] } = {
  kpm: [
    ["token=01697815", "token=8f9f6684"],
    ['"0x1697815"', '"0x8f9f6684"'],
    ["e7bd3786", "dd8ef0da"],
    ["6f84c930", "7a5ccf83"],
    ["55486", "34468"],
    ["44951", "43493"],
    ["41737", "47961"],
    ["41302", "37726"],
  ],
  upm: [["e7bd3786", "b1362222"], ["44951", "57659"]],
  app: [],
};

Deno.test("`monitor` prints what `ip mptcp monitor` of iproute2 7.1 printed", async () => {
  const lines = goldenLines<{ event: string; text: string; json: unknown }>(
    monitor,
  );
  assertEquals(lines.length, 25);
  for (const { event, text, json } of lines) {
    const chosen = CHOSEN[event.slice("event/".length).split("-")[0]!]!;
    const adapted = (line: string) =>
      chosen.reduce((line, [from, to]) => line.replaceAll(from!, to!), line);
    const { bytes } = golden(event);
    assertEquals(await shown("monitor", bytes), `${adapted(text)}\n`);
    assertEquals(
      await shown("monitor -j", bytes),
      `${adapted(JSON.stringify(json))}\n`,
    );
  }
});

const CREATED = "event/kpm-v4/server/created";
const RESET = "event/kpm-v4-reset/client/sub-closed";
const RESET_ENDS = "token=8f9f6684 remid=0 locid=20 saddr4=10.77.2.1 " +
  "daddr4=10.77.1.2 sport=43493 dport=5000 backup=0 error=104";
const FLAGS = "06000d000200";

Deno.test("`monitor` prints what is unknown, gone or lost", async () => {
  const ends = "token=dd8ef0da remid=0 locid=0 saddr4=10.77.1.2 " +
    "daddr4=10.77.1.1 sport=5000 dport=34468";
  const rows: [Delivery, string, Record<string, unknown>][] = [
    [
      changed("event/kpm-v4-close/client/closed", ["03010000", "63010000"]),
      "[UNKNOWN 99]",
      { event: "UNKNOWN 99" },
    ],
    [
      new SyscallError("recvfrom", 105, "receive"),
      "[         OVERRUN]",
      { event: "OVERRUN" },
    ],
    [
      changed(RESET, ["08000f0003000000", "08000f0007000000"]),
      `[       SF_CLOSED] ${RESET_ENDS} ifindex=7 dev=if7 ` +
      "reset_reason=0 reset_flags=0",
      { ifindex: 7, dev: "if7", reset_reason: 0, reset_flags: "0" },
    ],
    [
      changed(
        RESET,
        ["0800100000000000", "080010000a000000"],
        ["0800110000000000", "080011001f000000"],
      ),
      `[       SF_CLOSED] ${RESET_ENDS} ifindex=3 dev=kic2 ` +
      "reset_reason=10 reset_flags=1f",
      { reset_reason: 10, reset_flags: "1f" },
    ],
    [
      changed(CREATED, [FLAGS, "06000d0087a0"]),
      `[         CREATED] ${ends} server_side deny_join_id0 flags=0xa084`,
      { server_side: true, deny_join_id0: true, flags: "a084" },
    ],
    [
      // Linux before 6.18 tells the server by the attribute alone.
      changed(CREATED, [FLAGS, "06000d000400"]),
      `[         CREATED] ${ends} server_side flags=0x4`,
      { server_side: true, flags: "4" },
    ],
    [
      changed(CREATED, ["08000100daf08edd", "080001000b000000"]),
      `[         CREATED] ${ends.replace("dd8ef0da", "0000000b")} server_side`,
      { token: "0xb" },
    ],
  ];
  for (const [event, text, json] of rows) {
    assertEquals(await shown("monitor", event), `${text}\n`);
    const object = JSON.parse(await shown("-j monitor", event));
    assertEquals({ ...object, ...json }, object);
  }
});

Deno.test("`monitor` goes on after events that were lost", async () => {
  const lost = new SyscallError("recvfrom", 105, "receive");
  const { bytes } = golden("event/kpm-v4-close/client/closed");
  assertEquals(
    await shown("monitor", bytes, lost, bytes),
    "[          CLOSED] token=8f9f6684\n".repeat(2) +
      "[         OVERRUN]\n",
  );
});

Deno.test("`monitor` ends with 1 when it cannot listen, or no longer", async () => {
  const broken = new SyscallError("recvfrom", 12, "receive");
  const ran = await watch("monitor", [
    golden("event/kpm-v4-close/client/closed").bytes,
    broken,
  ]);
  assertEquals([ran.code, ran.out], [1, "[          CLOSED] token=8f9f6684\n"]);
  assertMatch(ran.err, /^mptcp: Cannot receive: .*\(recvfrom: ENOMEM\)\n$/);

  const kernel = new Eventful([]);
  kernel.subscribe = () => {
    throw new SyscallError("setsockopt", 1, "join the multicast group");
  };
  const refused = await run("-j monitor", kernel, kernel.signal);
  assertEquals([refused.code, refused.out], [1, ""]);
  assertMatch(JSON.parse(refused.err).error, /^Cannot join .*not permitted/);
  assertEquals(kernel.transports.map(({ closed }) => closed), [true]);
});

Deno.test("`monitor -t` says when, as `ip -t` does", async () => {
  const { bytes } = golden("event/kpm-v4-close/client/closed");
  const before = Date.now();
  const out = await shown("monitor -t", bytes, bytes);
  const after = Date.now();
  const lines = out.split("\n");
  assertEquals(lines.length, 5);
  for (const [stamp, event] of [lines.slice(0, 2), lines.slice(2, 4)]) {
    assertEquals(event, "[          CLOSED] token=8f9f6684");
    const [, time, year, usec] = stamp!.match(
      /^Timestamp: (\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d) (\d{4}) (\d{1,6}) usec$/,
    )!;
    const at = Date.parse(`${time} ${year}`) + Number(usec) / 1000;
    assert(Math.floor(at) >= before && at < after + 1, stamp);
  }

  for (const line of ["-tj monitor", "monitor --timestamp -j"]) {
    const object = JSON.parse(await shown(line, bytes));
    assertEquals(Object.keys(object), ["timestamp", "event", "token"]);
    assertMatch(
      object.timestamp,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/,
    );
    assert(Math.abs(Date.parse(object.timestamp) - after) < 60_000);
  }
});

Deno.test("`monitor -t` pads the day, and not the microseconds", async () => {
  const { bytes } = golden("event/kpm-v4-close/client/closed");
  const { instant } = Temporal.Now;
  const zone = Temporal.Now.timeZoneId();
  try {
    Temporal.Now.instant = () =>
      Temporal.ZonedDateTime.from(`2026-11-03T08:08:03.000898[${zone}]`)
        .toInstant();
    const [stamp] = (await shown("monitor -t", bytes)).split("\n");
    assertEquals(stamp, "Timestamp: Tue Nov  3 08:08:03 2026 898 usec");
    for (const line of ["-ts monitor", "-t monitor --tshort"]) {
      assertEquals(
        await shown(line, bytes),
        "[2026-11-03T08:08:03.000898] [          CLOSED] token=8f9f6684\n",
      );
    }
    const { timestamp } = JSON.parse(await shown("monitor -tj", bytes));
    assertEquals(timestamp, "2026-11-03T08:08:03.000898");
  } finally {
    Temporal.Now.instant = instant;
  }
});

/** What `--explain` adds: to an error, and to a reason of a reset. */
const ERRORS: { readonly [errno: string]: string } = {
  "101": "Network is unreachable: there is no route from the local address",
  "103":
    "Software caused connection abort: the subflow was destroyed on this host",
  "104": "Connection reset by peer: the peer, or something on the path, " +
    "reset the subflow",
  "110": "Connection timed out: the path does not answer: a firewall, " +
    "a wrong route",
  "111": "Connection refused: nothing listens on the remote address and port",
  "113": "No route to host: the next hop does not answer on this device",
  "5": "Input/output error: EIO",
};
const REASONS: readonly string[] = [
  "(unspec): No reason was given.",
  "(mptcp): A peer found an error in the MPTCP options it received.",
  "(resource): There are not enough resources for the subflow.",
  "(prohibit): A policy forbids the subflow.",
  "(wq2big): Too much data is outstanding, sent but not yet acknowledged at " +
  "the connection level.",
  "(badperf): The path performs too badly compared with the others.",
  "(middlebox): A middlebox between the hosts seems to interfere with MPTCP.",
  "(unknown): A reason that RFC 8684 does not have.",
];

/** What is explained of an event, which is otherwise printed as ever. */
async function explained(event: Delivery): Promise<string> {
  const [text, plain] = [
    await shown("monitor --explain", event),
    await shown("monitor", event),
  ];
  const { explanation = "", ...rest } = JSON.parse(
    await shown("monitor --explain -j", event),
  );
  assertEquals(rest, JSON.parse(await shown("monitor -j", event)));
  const comment = explanation === "" ? "" : ` # ${explanation}`;
  assertEquals(text, plain.replace("\n", `${comment}\n`));
  return explanation;
}

Deno.test("`monitor --explain` says what errors of subflows mean", async () => {
  const refused = "event/upm-v4-subflow-refused/client/sub-closed";
  for (const [errno, meaning] of Object.entries(ERRORS)) {
    const hex = Number(errno).toString(16).padStart(2, "0");
    const event = changed(refused, ["05000c006f", `05000c00${hex}`]);
    assertEquals(await explained(event), meaning);
  }
});

Deno.test("`monitor --explain` says why the peer reset a subflow", async () => {
  for (const [reason, meaning] of REASONS.entries()) {
    const event = (flags: number) =>
      changed(
        RESET,
        ["0800100000000000", `080010000${reason}000000`.slice(0, 16)],
        ["0800110000000000", `080011000${flags}000000`],
        ["05000c0068000000", "05000b0000000000"],
      );
    const expected = `reset by the peer ${meaning}`;
    assertEquals(await explained(event(0)), expected);
    assertEquals(
      await explained(event(1)),
      `${expected} Trying again may succeed.`,
    );
  }
  assertEquals(
    await explained(golden(RESET).bytes),
    `${ERRORS["104"]}; reset by the peer ${REASONS[0]}`,
  );
});

Deno.test("`monitor --explain` says whose wish the backup of a subflow is", async () => {
  const established = goldenOf("event")
    .filter(({ decoded }) => decoded.event === "sub-established");
  assert(established.length > 0);
  for (const { bytes } of established) {
    assertEquals(
      await explained(bytes),
      "backup is what the peer asks for, whatever this host does",
    );
  }
});

Deno.test("`monitor --explain` adds nothing where nothing went wrong", async () => {
  for (const { bytes, decoded: { attrs, event } } of goldenOf("event")) {
    if ("error" in attrs! || "reset-reason" in attrs!) continue;
    if (event === "sub-established") continue;
    assertEquals(await explained(bytes), "");
  }
  const lost = new SyscallError("recvfrom", 105, "receive");
  assertEquals(await explained(lost), "");
});

/** The names of the events that a line lets through, in their order. */
async function through(line: string): Promise<string[]> {
  const out = await shown(
    `${line} -j`,
    ...goldenOf("event").map(({ bytes }) => bytes),
    new SyscallError("recvfrom", 105, "receive"),
    changed("event/kpm-v4-close/client/closed", ["03010000", "63010000"]),
  );
  return out.split("\n").slice(0, -1).map((line) => {
    const { event, token = "" } = JSON.parse(line);
    return `${event} ${token}`.trim();
  });
}

Deno.test("`monitor event` shows the events that it is told", async () => {
  const all = await through("monitor");
  assertEquals(all.length, 83);
  const named = Object.entries({
    "overrun": ["OVERRUN"],
    "unknown": ["UNKNOWN"],
    "sub-priority": ["SF_PRIO"],
    "closed created": ["CREATED", "CLOSED"],
    "listener-created sub-closed removed": [
      ...["LISTENER_CREATED", "SF_CLOSED", "REMOVED"],
    ],
  });
  for (const [names, shown] of named) {
    // That events were lost is shown in any case.
    const expected = all.filter((event) =>
      [...shown, "OVERRUN"].includes(event.split(" ")[0]!)
    );
    assert(expected.length > 1 || names === "overrun");
    // Several behind one word, or each behind its own, or without.
    const spellings = [
      `monitor event ${names}`,
      `monitor event ${names.replaceAll(" ", " event ")}`,
      `monitor ${names}`,
      // As the output has them.
      `monitor event ${shown.join(" ")}`,
    ];
    for (const line of spellings) {
      assertEquals([line, await through(line)], [line, expected]);
    }
  }
  assertEquals(await through(`monitor event ${EVENT_TYPES.join(" ")}`), all);
});

Deno.test("`monitor token` shows one connection, and that events were lost", async () => {
  const all = await through("monitor");
  const ofToken = all.filter((event) => / 0x8f9f6684$|^OVERRUN/.test(event));
  assertEquals(ofToken.length, 10);
  for (const token of ["0x8f9f6684", "0x8F9F6684", `${0x8f9f6684}`]) {
    assertEquals(await through(`monitor token ${token}`), ofToken);
  }
  assertEquals(await through("monitor token 1"), ["OVERRUN"]);
  const closed = ofToken.filter((event) => /^(SF_CLOSED|OVERRUN)/.test(event));
  assertEquals(closed.length, 3);
  const lines = [
    "monitor event sub-closed token 0x8f9f6684",
    "monitor token 0x8f9f6684 event sub-closed",
    "mon token 0x8f9f6684 sub-closed",
    "m token 0x8f9f6684 SF_CLOSED",
  ];
  for (const line of lines) {
    assertEquals([line, await through(line)], [line, closed]);
  }
});

Deno.test("`monitor` takes options anywhere", async () => {
  const event = golden(RESET).bytes;
  const lines = [
    ...["-t -j --explain monitor event sub-closed token 0x8f9f6684"],
    ...["monitor -t event sub-closed token 0x8f9f6684 -j --explain"],
    ...["monitor event -jt sub-closed token --explain 0x8f9f6684"],
    ...["monitor --timestamp event --explain sub-closed --json"],
  ];
  for (const line of lines) {
    const object = JSON.parse(await shown(line, event));
    assertEquals([line, object.event], [line, "SF_CLOSED"]);
    assert("timestamp" in object && "explanation" in object);
  }
  const { opened } = await watch("monitor event -n blue created", []);
  assertEquals(opened[0]!.netns, "blue");
});

Deno.test("`monitor` opens nothing when the line makes no sense", async () => {
  const usage = "usage: mptcp monitor [event NAME…] [token T]\n";
  const words = `what can stand here is event, ${
    EVENT_TYPES.join(", ")
  }, token T`;
  const lines: { readonly [line: string]: string } = {
    "monitor event foo": `Unknown word "foo": ${words}`,
    "monitor event created,closed":
      `Unknown word "created,closed": ${words}\nhint: did you mean "created closed"?`,
    "monitor 5": `Unknown word "5": ${words}`,
    "monitor token": 'Incomplete command: "token" needs a value, as in token T',
    "monitor token x":
      'Invalid token "x": it is written as mptcp connection shows it',
    "monitor token 1 token 2": '"token" is given twice',
  };
  for (const [line, message] of Object.entries(lines)) {
    assertEquals([line, await run(line)], [line, {
      code: 255,
      out: "",
      err: `mptcp: ${message}\n${usage}`,
      opened: [],
    }]);
  }
});

Deno.test("`monitor` subscribes to nothing for a token that there cannot be", async () => {
  for (const token of ["0", "0x100000000", "9".repeat(30)]) {
    const kernel = new FakeKernel();
    const { code, err } = await run(`monitor token ${token}`, kernel);
    assertEquals(code, 255);
    assertMatch(err, /^mptcp: Invalid token .* from 1 to 4294967295\nusage: /);
    assertEquals(kernel.subscriptions, []);
  }
});

Deno.test("`monitor` prints nothing when nothing happens", async () => {
  for (const line of ["monitor", "monitor -j", "monitor -t --explain"]) {
    assertEquals(await shown(line), "");
  }
});

Deno.test("`monitor --resync` begins with what is there, and marks it", async () => {
  const ends = "saddr4=10.0.0.1 daddr4=10.0.0.2 sport=40000 dport=443";
  const kernel = () => {
    const kernel = new Eventful([golden(CREATED).bytes]);
    kernel.connect(5, { serverSide: true });
    return kernel;
  };
  const shown = async (line: string) => {
    const one = kernel();
    return (await run(line, one, one.signal)).out;
  };
  assertEquals(
    (await shown("monitor --resync")).split("\n").slice(0, 2),
    ["CREATED", "ESTABLISHED"].map((name) =>
      `[${name.padStart(16)}] token=00000005 remid=0 locid=0 ${ends} ` +
      "server_side synthetic"
    ),
  );
  const lines = (await shown("monitor --resync -j event created")).split("\n")
    .slice(0, -1).map((line) => JSON.parse(line));
  assertEquals(lines.map(({ token, synthetic }) => [token, synthetic]), [
    ["0x5", true],
    ["0xdd8ef0da", undefined],
  ]);
});
