/**
 * Kernels of other releases than 6.18: what they answered, byte by byte, and,
 * where a kernel was not available, what its source says that it answers.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import spec from "../../codec/spec/mptcp_pm.yaml" with { type: "text" };
import {
  type Endpoint,
  isConnectionGone,
  isPermissionError,
  NetlinkError,
  NotFoundError,
  PathManager,
  type PathManagerEvent,
  UnsupportedError,
  type Warning,
} from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import {
  ack,
  type Bytes,
  flagsOf,
  GENL_ID_CTRL,
  join,
  NLM_F_DUMP,
  seqOf,
  typeOf,
  u32,
  viewOf,
  withSeq,
} from "../helpers/netlink_bytes.ts";
import type { Item } from "../../tools/gen/model.ts";
import { parseSpec } from "../../tools/gen/resolve.ts";
import record from "../golden/older_kernels.jsonl" with { type: "text" };
import { describing } from "../netlink/client.ts";
import { goldenLines } from "../helpers/golden.ts";
import { SCENARIOS, type Scene } from "../helpers/kernel_scenarios.ts";

/** A line of the record: a datagram, or what else is known of the kernel. */
interface Line {
  readonly kernel: string;
  readonly name?: string;
  readonly direction?: "request" | "response" | "event";
  readonly hex?: string;
  readonly scene?: Scene;
  readonly sysctls?: Readonly<Record<string, string>>;
}

const lines = goldenLines<Line>(record);
/** The recorded kernels that have `mptcp_pm`. */
const KERNELS = ["6.1", "6.12", "6.17", "7.3"];

function recorded(kernel: string, name: string): Line[] {
  return lines.filter((line) => line.kernel === kernel && line.name === name);
}

/** The value of a field that one line of a kernel has. */
function about<Key extends "scene" | "sysctls">(kernel: string, key: Key) {
  return lines.find((line) => line.kernel === kernel && key in line)![key]!;
}

const cmdOf = (request: Bytes) => request[16]!;
const isDump = (request: Bytes) => (flagsOf(request) & NLM_F_DUMP) !== 0;

interface Opened extends Disposable {
  readonly pm: PathManager;
  readonly warnings: Warning[];
}

function open(namespace: FakeNamespace): Opened {
  const warnings: Warning[] = [];
  const pm = PathManager.open({
    namespace,
    // What hints ask for was not recorded.
    onWarning: (warning) => warning.isHint || warnings.push(warning),
  });
  return { pm, warnings, [Symbol.dispose]: () => pm.close() };
}

/** A kernel that answers the same commands in the same order once more. */
function replay(kernel: string, name: string): FakeNamespace {
  const first = recorded(kernel, "getfamily");
  const rest = name === "getfamily" ? [] : recorded(kernel, name);
  const exchanges: { request: Bytes; answer: Bytes[] }[] = [];
  for (const { direction, hex } of [...first, ...rest]) {
    const bytes = Uint8Array.fromHex(hex!);
    if (direction === "request") exchanges.push({ request: bytes, answer: [] });
    else exchanges.at(-1)!.answer.push(bytes);
  }
  const namespace = new FakeNamespace((request) => {
    const next = exchanges[0];
    const isNext = next !== undefined && isDump(next.request) ===
        isDump(request) &&
      cmdOf(next.request) === cmdOf(request);
    assert(isNext, `${kernel} ${name}: not recorded: ${request.toHex()}`);
    exchanges.shift();
    return next.answer.map((datagram) => withSeq(datagram, seqOf(request)));
  });
  namespace.devices.set("client2", 12);
  namespace.sysctls.clear();
  return namespace;
}

/** What a scenario has come to: what it returned, or why it was refused. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof NetlinkError)) return `${error}`;
    const { op, code, extack, hint } = error;
    return {
      refused: `${op} ${code}`,
      ...extack,
      ...hint && { hint },
      ...isConnectionGone(error) && { gone: true },
    };
  }
}

const HERE: Endpoint = {
  address: "10.77.2.1",
  port: 0,
  id: 1,
  flags: [],
  ifIndex: 0,
};
const HERE_7: Endpoint = { ...HERE, id: 7 };
const ANNOUNCED: Endpoint = {
  ...HERE,
  id: 5,
  flags: ["signal"],
  ifIndex: 12,
  dev: "client2",
};

const TOKEN = "net.mptcp.pm_type 1 before Linux 6.15";
const TOO_OLD = "UnsupportedError: Cannot list the addresses of a " +
  "connection: this needs Linux 6.9 or later";

/** A refusal; the hint is a part of it. */
function refused(
  refused: string,
  rest: {
    message?: string;
    attribute?: string;
    hint?: string;
    gone?: true;
  } = {},
) {
  return { refused, ...rest };
}

const noToken = (op: string) =>
  refused(`${op} EINVAL`, {
    message: "invalid token",
    attribute: ".token",
    hint: TOKEN,
    gone: true,
  });
const oldKernelToken = (op: string) =>
  refused(`${op} EINVAL`, {
    message: "invalid request; userspace PM not selected",
    hint: TOKEN,
  });
const kernelToken = (op: string) =>
  refused(`${op} EINVAL`, {
    message: "userspace PM not selected",
    attribute: ".token",
    hint: TOKEN,
  });

const ALL = "6.1 6.12 6.17 7.3";

/** What becomes of each scenario, by the kernels that agree about it. */
const OUTCOMES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "get-limits": { [ALL]: { subflows: 2, addAddrAccepted: 0 } },
  "set-limits": { [ALL]: { subflows: 4, addAddrAccepted: 3 } },
  "set-limits/9": {
    "6.1 6.12": refused("set-limits EINVAL", {
      message: "limit greater than maximum",
    }),
    "6.17": refused("set-limits EINVAL", {
      message: "limit greater than maximum (8)",
      attribute: ".subflows",
    }),
    "7.3": undefined,
  },
  "set-limits/too-many": {
    "6.1 6.12": refused("set-limits EINVAL", {
      message: "limit greater than maximum",
    }),
    "6.17": refused("set-limits EINVAL", {
      message: "limit greater than maximum (8)",
      attribute: ".rcv-add-addrs",
    }),
    "7.3": refused("set-limits EINVAL", {
      message: "limit greater than maximum (64)",
      attribute: ".rcv-add-addrs",
    }),
  },
  "add-addr": {
    [ALL]: [
      { ...HERE, flags: ["subflow", "backup"], ifIndex: 12, dev: "client2" },
      { ...HERE, address: "fd77:2::1", id: 200, flags: ["signal"] },
    ],
  },
  "add-addr/port": { [ALL]: [{ ...HERE, port: 10100, flags: ["signal"] }] },
  "add-addr/fullmesh": { [ALL]: [{ ...HERE, flags: ["subflow", "fullmesh"] }] },
  "add-addr/laminar": {
    "6.1 6.12": [{ ...HERE, flags: ["subflow"] }],
    // 6.17 keeps each bit that it is given.
    "6.17 7.3": [{ ...HERE, flags: ["subflow", "laminar"] }],
  },
  "add-addr/duplicate": {
    "6.1": refused("add-addr EINVAL", {
      message: "too many addresses or duplicate one",
      hint: "10.77.2.1 is an endpoint already, with id 1",
    }),
    "6.12 6.17 7.3": refused("add-addr EEXIST", {
      message: "too many addresses or duplicate one: -17",
      hint: "10.77.2.1 is an endpoint already, with id 1",
    }),
  },
  "add-addr/id-taken": {
    "6.1": refused("add-addr EINVAL", {
      message: "too many addresses or duplicate one",
      hint: "id 7 belongs to 10.77.2.1",
    }),
    "6.12 6.17 7.3": refused("add-addr EBUSY", {
      message: "too many addresses or duplicate one: -16",
      hint: "id 7 belongs to 10.77.2.1",
    }),
  },
  "add-addr/ninth": {
    "6.1": refused("add-addr EINVAL", {
      message: "too many addresses or duplicate one",
      hint: "the table is full with 8 endpoints",
    }),
    "6.12 6.17": refused("add-addr ERANGE", {
      message: "too many addresses or duplicate one: -34",
      hint: "the table is full with 8 endpoints",
    }),
    "7.3": 9,
  },
  "add-addr/port-elsewhere": {
    "6.1": refused("add-addr EADDRNOTAVAIL", {
      message: "create listen socket error",
      hint: "its address must be on this host",
    }),
    "6.12 6.17 7.3": refused("add-addr EADDRNOTAVAIL", {
      message: "create listen socket error: -99",
      hint: "its address must be on this host",
    }),
  },
  "del-addr": { [ALL]: [{ ...HERE, address: "10.99.0.1", id: 8 }] },
  "get-addr": { [ALL]: { ...HERE_7, flags: ["subflow"] } },
  "get-addr/unknown": {
    [ALL]: "NotFoundError: Cannot get address: no endpoint has id 7",
  },
  "flush-addrs": { [ALL]: [] },
  "set-flags": { [ALL]: { ...HERE, flags: ["subflow", "backup"] } },
  "set-flags/fullmesh": {
    [ALL]: { ...HERE_7, flags: ["subflow", "backup", "fullmesh"] },
  },
  "set-flags/fullmesh-signal": {
    "6.1": refused("set-flags EINVAL", { hint: "neither signal nor" }),
    "6.12": refused("set-flags EINVAL", {
      message: "invalid addr flags",
      hint: "neither signal nor",
    }),
    "6.17 7.3": refused("set-flags EINVAL", {
      message: "invalid addr flags",
      attribute: ".addr",
      hint: "neither signal nor",
    }),
  },
  "announce": { [ALL]: undefined },
  "announce/other-id": {
    "6.1 6.12": refused("announce EINVAL", {
      message: "did not match address and id",
      hint: "an address keeps the id",
    }),
    "6.17 7.3": refused("announce EINVAL", {
      message: "did not match address and id",
      attribute: ".addr",
      hint: "an address keeps the id",
    }),
  },
  "announce/no-token": { [ALL]: noToken("announce") },
  "announce/kernel": {
    "6.1 6.12": oldKernelToken("announce"),
    "6.17 7.3": kernelToken("announce"),
  },
  "dump-addrs/token": { "6.1": TOO_OLD, "6.12 6.17 7.3": [ANNOUNCED] },
  "dump-addrs/no-token": {
    "6.1": TOO_OLD,
    "6.12 6.17 7.3": noToken("get-addr"),
  },
  "dump-addrs/kernel": {
    "6.1": TOO_OLD,
    "6.12": refused("get-addr EINVAL", {
      message: "invalid request; userspace PM not selected",
    }),
    "6.17 7.3": kernelToken("get-addr"),
  },
  "get-addr/token": { "6.1": TOO_OLD, "6.12 6.17 7.3": ANNOUNCED },
  "get-addr/no-token": {
    "6.1": TOO_OLD,
    "6.12": noToken("get-addr"),
    "6.17 7.3": refused("get-addr EINVAL", {
      message: "address not found",
      attribute: ".addr",
    }),
  },
  "remove/other-id": {
    "6.1 6.12": refused("remove EINVAL", {
      message: "address with specified id not found",
      hint: "no address was announced with this id",
    }),
    "6.17 7.3": refused("remove EINVAL", {
      message: "address with id 9 not found",
      attribute: ".loc-id",
      hint: "no address was announced with this id",
    }),
  },
  "remove/no-token": { [ALL]: noToken("remove") },
  "remove/kernel": {
    "6.1 6.12": oldKernelToken("remove"),
    "6.17 7.3": kernelToken("remove"),
  },
  "remove": { [ALL]: undefined },
  "subflow-create/elsewhere": {
    "6.1 6.12": refused("subflow-create EADDRNOTAVAIL", {
      hint: "the local address is not on this host",
    }),
    "6.17 7.3": refused("subflow-create EADDRNOTAVAIL", {
      message: "connect error: -99",
      hint: "the local address is not on this host",
    }),
  },
  "subflow-create/families": {
    [ALL]: refused("subflow-create EINVAL", {
      message: "families mismatch",
      hint: "both addresses are of one family",
    }),
  },
  "subflow-create/no-token": { [ALL]: noToken("subflow-create") },
  "subflow-create/kernel": {
    "6.1 6.12": oldKernelToken("subflow-create"),
    "6.17 7.3": kernelToken("subflow-create"),
  },
  "subflow-create": { [ALL]: undefined },
  "set-flags/subflow": { [ALL]: undefined },
  "set-flags/no-subflow": {
    "6.1 6.12": refused("set-flags EINVAL"),
    "6.17 7.3": refused("set-flags EINVAL", { message: "subflow not found" }),
  },
  "subflow-destroy/none": {
    "6.1 6.12": refused("subflow-destroy ESRCH", {
      hint: "as the subflow's socket has them",
    }),
    "6.17 7.3": refused("subflow-destroy ESRCH", {
      message: "subflow not found",
      hint: "as the subflow's socket has them",
    }),
  },
  "subflow-destroy": { [ALL]: undefined },
};

/** Compares all but the place in bytes, and the hint by a part of it. */
function assertOutcome(actual: unknown, expected: unknown): void {
  if (typeof actual !== "object" || !("refused" in actual!)) {
    return assertEquals(actual, expected);
  }
  const { offset: _, hint, ...rest } = actual as Record<string, unknown>;
  const { hint: part, ...wanted } = expected as Record<string, unknown>;
  assertEquals<unknown>(rest, wanted);
  if (part === undefined) assertEquals(hint, undefined);
  else assertStringIncludes(String(hint), String(part));
}

for (const kernel of KERNELS) {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    Deno.test(`${name} has the right outcome on Linux ${kernel}`, () => {
      const [, expected] = Object.entries(OUTCOMES[name]!)
        .find(([kernels]) => kernels.split(" ").includes(kernel))!;
      using opened = open(replay(kernel, name));
      const scene = about(kernel, "scene");
      assertOutcome(outcome(() => scenario(opened.pm, scene)), expected);
    });
  }
}

/** The releases that the specification names which have a case here. */
const covered: RegExp[] = [];

/** A test of what the specification says of releases, as {@linkcode notes}. */
function releaseTest(
  cases: readonly RegExp[],
  name: string,
  fn: () => void | Promise<void>,
): void {
  covered.push(...cases);
  Deno.test(name, fn);
}

/** Each release that the specification names: `"event-attr.error 5.12"`. */
async function notes(): Promise<string[]> {
  const { words, sets, commands, events } = await parseSpec(spec, "spec");
  const sections: [string, readonly Item[]][] = [
    ...words.map(({ name, entries }): [string, readonly Item[]] => [
      name,
      entries,
    ]),
    ...sets.map(({ name, attributes }): [string, readonly Item[]] => [
      name,
      attributes,
    ]),
    ["operations", [...commands, ...events]],
  ];
  return sections.flatMap(([section, items]) =>
    items.flatMap(({ name, since, doc }) =>
      [since, ...doc.match(/\b\d+\.\d+\b/g) ?? []]
        .map((release) => `${section}.${name} ${release}`)
    )
  );
}

/** Takes the events that a kernel of the record sent to a host. */
async function eventsOf(
  kernel: string,
  host: "client" | "server",
): Promise<PathManagerEvent[]> {
  const namespace = replay(kernel, "getfamily");
  using opened = open(namespace);
  using stream = opened.pm.events();
  const datagrams = recorded(kernel, `events/${host}`)
    .filter(({ direction }) => direction === "event");
  for (const { hex } of datagrams) namespace.emit(Uint8Array.fromHex(hex!));
  const events: PathManagerEvent[] = [];
  while (events.length < datagrams.length) {
    events.push((await stream.next()).value!);
  }
  return events;
}

const ofType = <Type extends PathManagerEvent["type"]>(
  events: readonly PathManagerEvent[],
  type: Type,
) =>
  events.filter((event): event is Extract<PathManagerEvent, { type: Type }> =>
    event.type === type
  );

/** A 6.18 that describes itself as an older one does. */
const older = (commands: number, ...groups: string[]) =>
  describing(
    Array.from({ length: commands }, (_, index) => index + 1),
    Object.fromEntries(groups.map((name, index) => [name, index + 1])),
  );

const GROUPS = ["mptcp_pm_cmds", "mptcp_pm_events"];

/** Changes what a kernel is asked. */
function change(kernel: FakeKernel, how: (request: Bytes) => Bytes): void {
  const open = kernel.open.bind(kernel);
  kernel.open = (protocol) => {
    const transport = open(protocol);
    if (protocol !== 16) return transport;
    const { send } = transport;
    transport.send = (datagram) => send.call(transport, how(datagram));
    return transport;
  };
}

/** A request without attributes of these types at its top level. */
function without(request: Bytes, ...types: number[]): Bytes {
  const kept: Bytes[] = [request.slice(0, 20)];
  for (let at = 20; at < request.length;) {
    const length = viewOf(request).getUint16(at, true);
    const type = viewOf(request).getUint16(at + 2, true) & 0x3fff;
    const end = at + ((length + 3) & ~3);
    if (!types.includes(type)) kept.push(request.slice(at, end));
    at = end;
  }
  const bytes = join(kept);
  bytes.set(u32(bytes.length));
  return bytes;
}

releaseTest(
  [/ 5\.7$/],
  "a kernel without `mptcp_pm` is reported as such",
  () => {
    const error = assertThrows(
      () => open(replay("5.10", "getfamily")),
      NotFoundError,
    );
    assertEquals([error.what, error.message], [
      "family",
      'Cannot find the netlink family "mptcp_pm": this kernel has no ' +
      "Multipath TCP path manager, which Linux has from 5.7 on if it was " +
      "built with CONFIG_MPTCP=y",
    ]);
  },
);

releaseTest(
  [
    /^event-attr\.\S+ 5\.12$/,
    /^operations\.(created|established|closed|announced|removed) 5\.12$/,
    /^operations\.sub-\S+ 5\.12$/,
  ],
  "events say which kernel has them",
  () => {
    const kernel = older(6, "mptcp_pm_cmds");
    using opened = open(kernel);
    const error = assertThrows(() => opened.pm.events(), UnsupportedError);
    assertEquals([error.since, error.message], [
      "5.12",
      "Cannot get events: this needs Linux 5.12 or later",
    ]);
    assertEquals(kernel.subscriptions, []);
    assertEquals(opened.pm.dumpAddrs(), []);
  },
);

releaseTest(
  [
    /^operations\.set-flags 5\.12$/,
    /^operations\.(announce|remove|subflow-create|subflow-destroy) 5\.19$/,
    /^attr\.(loc-id|addr-remote) 5\.19$/,
  ],
  "a command that the kernel does not know says which kernel does",
  () => {
    const kernel = older(6, ...GROUPS);
    using opened = open(kernel);
    const { pm } = opened;
    const address = "10.0.0.1";
    const ends = {
      token: 5,
      local: { address, port: 1 },
      remote: { address: "10.0.0.2", port: 2 },
    };
    pm.addAddr({ address });
    const rows: [action: string, since: string, call: () => unknown][] = [
      ["set flags", "5.12", () => pm.setFlags({ id: 1, backup: true })],
      [
        "announce address",
        "5.19",
        () => pm.announce({ token: 5, address, id: 1 }),
      ],
      ["remove address", "5.19", () => pm.remove({ token: 5, id: 1 })],
      ["create subflow", "5.19", () => pm.subflowCreate(ends)],
      ["destroy subflow", "5.19", () => pm.subflowDestroy(ends)],
    ];
    for (const [action, since, call] of rows) {
      const error = assertThrows(call, UnsupportedError);
      assertEquals([error.since, error.message], [
        since,
        `Cannot ${action}: this needs Linux ${since} or later`,
      ]);
    }
    // What the kernel has it refuses in its own words.
    kernel.distort = (_, request) => [ack(request, 95)];
    assertEquals(outcome(() => pm.flushAddrs()), {
      refused: "flush-addrs EOPNOTSUPP",
    });
  },
);

releaseTest(
  [/^operations\.set-flags 5\.19$/],
  "a subflow's flags do not become those of an endpoint",
  () => {
    const kernel = older(7, ...GROUPS);
    change(kernel, (request) => without(request, 4, 6));
    using opened = open(kernel);
    const { pm } = opened;
    const before = pm.addAddr({ address: "10.0.0.1", flags: ["subflow"] });
    const error = assertThrows(
      () =>
        pm.setSubflowBackup({
          token: 5,
          local: { address: "10.0.0.1", port: 1 },
          remote: { address: "10.0.0.2", port: 2 },
          backup: true,
        }),
      UnsupportedError,
    );
    assertEquals([error.since, error.message], [
      "5.19",
      "Cannot change the priority of one subflow: this needs Linux 5.19 or " +
      "later",
    ]);
    assertEquals(pm.dumpAddrs(), [before]);
  },
);

releaseTest(
  [/^operations\.get-addr 6\.9$/, /^attr\.token 5\.19$/],
  "a connection's addresses are never the endpoints of the namespace",
  () => {
    // 6.1 and others ignore the token; so do 6.7 and 6.8, but in a dump they
    // refuse what they do not know.
    for (const refuses of [false, true]) {
      const kernel = older(11, ...GROUPS);
      kernel.connect(5);
      let hasToken = false;
      change(kernel, (request) => {
        const changed = without(request, 4);
        hasToken = changed.length < request.length;
        return changed;
      });
      const { distort } = kernel;
      kernel.distort = (answer, request) =>
        refuses && hasToken && isDump(request)
          ? [ack(request, 22, {
            message: "Unknown attribute type",
            offset: 20,
          })]
          : distort(answer, request);
      using opened = open(kernel);
      const { pm } = opened;
      const endpoint = pm.addAddr({ address: "10.0.0.1", id: 7 });
      for (const _ of [1, 2]) {
        assertEquals(outcome(() => pm.dumpAddrs({ token: 5 })), TOO_OLD);
        assertEquals(outcome(() => pm.getAddr({ token: 5, id: 7 })), TOO_OLD);
      }
      assertEquals(pm.dumpAddrs(), [endpoint]);
    }
  },
);

Deno.test("a kernel that needs the privilege for reading says so", () => {
  // As releases of about 6.7 may.
  const kernel = new FakeKernel();
  kernel.distort = (answer, request) =>
    cmdOf(request) === 3 && typeOf(request) !== GENL_ID_CTRL
      ? [ack(request, 1)]
      : answer;
  using opened = open(kernel);
  const { pm } = opened;
  const rows: (() => unknown)[] = [
    () => pm.dumpAddrs(),
    () => pm.getAddr({ id: 1 }),
    () => pm.dumpAddrs({ token: 5 }),
    () => pm.getAddr({ token: 5, id: 1 }),
    () => pm.delAddr({ address: "10.0.0.1" }),
  ];
  for (const action of rows) {
    const error = assertThrows(action, NetlinkError);
    assertEquals([error.op, error.code], ["get-addr", "EPERM"]);
    assertStringIncludes(error.hint!, "CAP_NET_ADMIN is needed");
    assertEquals(isPermissionError(error), true);
  }
});

releaseTest(
  [/^(reset-reason\.\S+|event-attr\.reset-\S+) 5\.13$/],
  "a subflow that is closed without a reason has none",
  async () => {
    for (const kernel of KERNELS) {
      for (const host of ["client", "server"] as const) {
        const closed = ofType(await eventsOf(kernel, host), "sub-closed");
        assertEquals(closed.length, 1);
        assertEquals(["reset" in closed[0]!, "error" in closed[0]!], [
          false,
          false,
        ]);
      }
    }
  },
);

releaseTest(
  [/^addr-flags\.(fullmesh 5\.15|laminar 6\.18)$/],
  "a flag that the kernel dropped is warned of",
  () => {
    for (const kernel of ["6.1", "6.12"]) {
      using opened = open(replay(kernel, "add-addr/laminar"));
      SCENARIOS["add-addr/laminar"]!(opened.pm, about(kernel, "scene"));
      assertEquals(opened.warnings, [{
        op: "add-addr",
        message: "this kernel does not know the flag laminar, and added " +
          "10.77.2.1 without it",
      }]);
    }
  },
);

releaseTest(
  [/^addr-flags\.implicit 5\.18$/],
  "no kernel is asked for an implicit endpoint",
  () => {
    const kernel = older(11, ...GROUPS);
    using opened = open(kernel);
    const { length } = kernel.sent;
    assertThrows(
      () => opened.pm.addAddr({ address: "10.0.0.1", flags: ["implicit"] }),
      TypeError,
    );
    assertEquals(kernel.sent.length, length);
  },
);

releaseTest(
  [
    /^event-flags\.(deny-join-id0 6\.17|server-side 6\.18)$/,
    /^event-attr\.server-side (5\.19|6\.17)$/,
  ],
  "the server's side is read from the attribute or from the flag",
  async () => {
    const flags: Record<string, number> = { "7.3": 2 };
    for (const kernel of KERNELS) {
      for (const type of ["created", "established"] as const) {
        const [near] = ofType(await eventsOf(kernel, "client"), type);
        const [far] = ofType(await eventsOf(kernel, "server"), type);
        // The server is one that wants no join to its first address.
        assertEquals(
          [near!.serverSide, near!.denyJoinId0, near!.flags],
          [false, true, 1],
        );
        assertEquals(
          [far!.serverSide, far!.denyJoinId0, far!.flags],
          [true, false, flags[kernel] ?? 0],
        );
      }
    }
  },
);

releaseTest(
  [
    /^operations\.listener-\S+ 6\.2$/,
  ],
  "a connection's life is complete with and without listeners",
  async () => {
    const life = [
      ...["created", "established", "sub-established"],
      ...["sub-priority", "sub-closed", "closed"],
    ];
    for (const kernel of KERNELS) {
      const types = (await eventsOf(kernel, "server")).map(({ type }) => type);
      assertEquals(
        types,
        kernel === "6.1" ? life : ["listener-created", ...life],
        kernel,
      );
      const near = (await eventsOf(kernel, "client")).map(({ type }) => type);
      assertEquals(near.toSorted(), [
        ...["announced", "closed", "created", "established"],
        ...["removed", "sub-closed", "sub-established"],
      ]);
    }
  },
);

releaseTest(
  [/^attr\.(rcv-add-addrs|subflows) 7\.1$/],
  "a limit is refused by the kernel alone",
  () => {
    const limits = [8, 9, 64, 65, 0xffffffff];
    for (const max of [8, 64]) {
      const kernel = new FakeKernel();
      kernel.max = max;
      using opened = open(kernel);
      for (const subflows of limits) {
        const done = outcome(() => opened.pm.setLimits({ subflows }));
        assertEquals(done === undefined, subflows <= max);
      }
    }
  },
);

Deno.test("`getMode()` and `setMode()` know the sysctls of each kernel", () => {
  const written: Record<string, string> = {
    "6.1": "pm_type",
    "6.12": "pm_type",
    "6.17": "path_manager",
    "7.3": "path_manager",
  };
  for (const kernel of KERNELS) {
    const namespace = replay(kernel, "getfamily");
    for (const [name, value] of Object.entries(about(kernel, "sysctls"))) {
      namespace.sysctls.set(name, value);
    }
    const before = new Map(namespace.sysctls);
    using opened = open(namespace);
    const { pm } = opened;
    // The record is of a namespace that was set to user space.
    assertEquals(pm.getMode(), "userspace", kernel);
    pm.setMode("kernel");
    assertEquals(pm.getMode(), "kernel");
    const changed = [...before.keys()]
      .filter((name) => namespace.sysctls.get(name) !== before.get(name));
    assertEquals(changed, [written[kernel]]);
  }
});

Deno.test("before Linux 5.19 there is one mode, and nothing to write", () => {
  const kernel = older(7, ...GROUPS);
  kernel.sysctls.clear();
  kernel.sysctls.set("enabled", "1");
  using opened = open(kernel);
  const { pm } = opened;
  assertEquals(pm.getMode(), "kernel");
  assertThrows(() => pm.setMode("userspace"), RangeError, "5.19");
  pm.setMode("kernel")[Symbol.dispose]();
  assertEquals([...kernel.sysctls], [["enabled", "1"]]);
});

Deno.test("`setFlags()` gives the address, which Linux before 5.17 goes by", () => {
  const kernel = older(7, ...GROUPS);
  const { distort } = kernel;
  // "missing family": an attribute of the nest, behind two headers.
  kernel.distort = (answer, request) =>
    typeOf(request) !== GENL_ID_CTRL && cmdOf(request) === 7 &&
      viewOf(request).getUint16(26, true) !== 1
      ? [ack(request, 22, { message: "missing family", offset: 20 })]
      : distort(answer, request);
  using opened = open(kernel);
  const { pm } = opened;
  const address = "10.0.0.1";
  pm.addAddr({ address, id: 7, flags: ["signal"] });
  pm.addAddr({ address, id: 8, port: 10100, flags: ["signal"] });
  for (const [selector, id] of [[{ id: 7 }, 7], [{ id: 8 }, 8]] as const) {
    assertEquals(pm.setFlags({ ...selector, backup: true }).id, id);
  }
  assertEquals(
    pm.dumpAddrs().map(({ id, flags }) => [id, flags]),
    [[7, ["signal", "backup"]], [8, ["signal", "backup"]]],
  );
});

Deno.test("`setFlags()` warns of what the kernel did not change", () => {
  const kernel = older(7, ...GROUPS);
  // Before 5.18 the kernel looks at backup alone.
  change(kernel, (request) => {
    if (cmdOf(request) !== 7) return request;
    for (let at = 24; at < request.length; at += (request[at]! + 3) & ~3) {
      if (request[at + 2] === 6) request[at + 4]! &= ~8;
    }
    return request;
  });
  using opened = open(kernel);
  const { pm, warnings } = opened;
  const endpoint = pm.addAddr({ address: "10.0.0.1", flags: ["subflow"] });
  assertEquals(pm.setFlags({ id: endpoint.id, fullmesh: true }), endpoint);
  assertEquals(warnings.map(({ op }) => op), ["set-flags"]);
  assertStringIncludes(warnings[0]!.message, "fullmesh");
});

Deno.test("each scenario has an outcome on each kernel", () => {
  assertEquals(Object.keys(OUTCOMES), Object.keys(SCENARIOS));
  for (const [name, byKernel] of Object.entries(OUTCOMES)) {
    assertEquals(Object.keys(byKernel).join(" "), ALL, name);
  }
});

Deno.test("each release that the specification names has a case", async () => {
  const all = await notes();
  assertEquals(
    all.filter((note) => !covered.some((one) => one.test(note))),
    [],
  );
  assertEquals(
    covered.filter((one) => !all.some((note) => one.test(note))),
    [],
  );
});
