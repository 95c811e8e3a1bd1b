import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeStruct, sockDiag } from "../../codec/mod.ts";
import { listConnections } from "../../diag/connections.ts";
import {
  type Connection,
  type ConnectionFilter,
  Diag,
  type SocketState,
} from "../../diag/mod.ts";
import {
  type FakeConnection,
  type FakeConnectionFigures,
  FakeKernel,
  type FakeNamespace,
  type FakeSubflowOptions,
} from "../../testing/mod.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";
import { ack, type Bytes, done, seqOf } from "../helpers/netlink_bytes.ts";
import { generator, pick, type Random } from "../helpers/random.ts";
import {
  lengthWith,
  MPTCP_FIGURES,
  type Place,
  replaying,
  TCP_FIGURES,
} from "../helpers/sock_diag.ts";

const STATES: readonly SocketState[] = [
  ...["established", "syn-sent", "fin-wait-1", "close-wait"] as const,
];
const ADDRESSES = ["10.0.1.1", "10.0.2.1", "fd00::1", "::ffff:10.0.2.1"];
const PORTS = [80, 443, 5000];
const DEVICES = [undefined, "lo", "eth0", "eth1"];

/** What a test says of a subflow and of a connection, all of it random. */
interface Said {
  readonly token: number;
  readonly connection: FakeConnectionFigures;
  readonly subflows: FakeSubflowOptions[];
}

function randomSubflow(random: Random): FakeSubflowOptions {
  const local = { address: pick(random, ADDRESSES), port: pick(random, PORTS) };
  const address = local.address.includes(":") ? "fd00::9" : "10.0.1.9";
  return {
    ...{ local, remote: { address, port: pick(random, PORTS) } },
    ...{ locId: random(256), remId: random(256), ifIndex: random(4) },
    ...{ backup: random(2) === 0, backupByPeer: random(2) === 0 },
    ...{ openedHere: random(2) === 0, state: pick(random, STATES) },
    ...randomNumbers(random, 255, ["timerRetransmits", "backoff"]),
    ...randomNumbers(random, 0xffff_ffff, [
      ...["rttUs", "rtoUs", "congestionWindow", "mss", "pathMtu", "unacked"],
      ...["lost", "retransmits", "sendQueue", "receiveQueue", "minRttUs"],
      ...["rttVarUs", "lastDataSentMs", "lastDataReceivedMs"],
      "lastAckReceivedMs",
    ]),
    ...randomNumbers(random, 2 ** 53, [
      ...["bytesSent", "bytesReceived", "bytesAcked", "bytesRetransmitted"],
      "deliveryRate",
    ]),
  };
}

/** Numbers from 1 to `max`, by names. */
function randomNumbers(random: Random, max: number, names: readonly string[]) {
  const number = () => 1 + (random(2 ** 26) * 2 ** 27 + random(2 ** 27)) % max;
  return Object.fromEntries(names.map((name) => [name, number()]));
}

function randomConnection(random: Random, kernel: FakeKernel, token: number) {
  const { locId: _, remId: __, ifIndex: ___, ...its } = randomSubflow(random);
  const { local, remote, ...figures } = { ...its, backup: false };
  const connection = kernel.connect(token, {
    ...{ local: local!, remote: remote!, serverSide: !figures.openedHere },
    pathManager: pick(random, ["kernel", "userspace"]),
    established: random(4) !== 0,
  });
  const said: Said = {
    token,
    connection: {
      ...{ fallback: random(3) === 0, state: pick(random, STATES) },
      ...{ remoteKeyReceived: random(2) === 0, checksums: random(2) === 0 },
      ...randomNumbers(random, 255, ["addAddrSignal", "localAddrUsed"]),
      ...randomNumbers(random, 0xffff_ffff, [
        ...["inode", "uid", "receiveQueue", "sendQueue", "retransmits"],
        ...["lastDataSentMs", "lastDataReceivedMs", "lastAckReceivedMs"],
      ]),
      ...randomNumbers(random, 2 ** 53, [
        ...["bytesSent", "bytesReceived", "bytesAcked", "bytesRetransmitted"],
      ]),
    },
    subflows: [{ local: local!, remote: remote!, ...figures }],
  };
  connection.set(said.connection);
  connection.setSubflow(0, figures);
  for (let left = random(4); left > 0; left--) {
    said.subflows.push(randomSubflow(random));
    connection.openSubflow(said.subflows.at(-1));
  }
  if (random(5) === 0) {
    said.subflows.shift();
    connection.closeSubflow(0);
  }
  return said;
}

/** Tokens from the whole range. */
const tokenOf = (index: number) => index * 0x1234_5679 >>> 0;

function randomKernel(random: Random): [FakeKernel, Said[]] {
  const kernel = new FakeKernel();
  const said = Array.from(
    { length: random(12) },
    (_, index) => randomConnection(random, kernel, tokenOf(index + 1)),
  );
  return [kernel, said];
}

/** The part of a value that a test has said something of. */
function saidPart(actual: object, said: object): object {
  const values = actual as Record<string, unknown>;
  return Object.fromEntries(Object.keys(said).map((key) => [key, values[key]]));
}

const byRtt = (one: { rttUs?: number }, other: { rttUs?: number }) =>
  one.rttUs! - other.rttUs!;

Deno.test("`connections()` lists what was said of random connections, each once", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = generator(seed);
    const [kernel, said] = randomKernel(random);
    const listed = [...listConnections(kernel, 1 + random(5))];
    assertEquals(listed.length, said.length);
    for (const { token, connection, subflows } of said) {
      const seen = listed.find((one) => one.token === token)!;
      assertEquals(saidPart(seen, connection), connection);
      const expected = subflows.toSorted(byRtt).map((subflow) => {
        const { local, remote, locId = 0, remId = 0, ...rest } = subflow;
        const { backup, backupByPeer, ifIndex = 0, ...figures } = rest;
        const clocks = ["lastDataSentMs", "lastDataReceivedMs"];
        const none = [...clocks, "lastAckReceivedMs"]
          .map((key) => [key, undefined]);
        return {
          local: { ...local, id: locId },
          remote: { ...remote, id: remId },
          ...{ backup: backup || backupByPeer, ifIndex, ...figures },
          dev: DEVICES[ifIndex],
          ...figures.state === "syn-sent" && Object.fromEntries(none),
        };
      });
      assertEquals(
        seen.subflows.toSorted(byRtt).map((one, index) =>
          saidPart(one, expected[index]!)
        ) as object[],
        expected,
      );
      assertEquals(seen.partial, undefined);
      assertEquals(seen.subflowsTotal, subflows.length);
    }
  }
});

Deno.test("each filter of `connections()` lists what filtering by hand does", () => {
  const random = generator(1);
  const paths = (one: Connection) => [one, ...one.subflows];
  const plain = (address: string) => address.replace("::ffff:", "");
  /** For each key of a filter: random values, and what is meant by them. */
  const keys: readonly [
    key: keyof ConnectionFilter,
    values: readonly unknown[],
    isWanted: (one: Connection, value: unknown) => boolean,
  ][] = [
    [
      "from",
      [...ADDRESSES, "10.9.9.9", "fd00:0::1"],
      (one, value) =>
        paths(one).some(({ local }) =>
          plain(local.address) === plain(`${value}`).replace(":0:", ":")
        ),
    ],
    [
      "to",
      ["10.0.1.9", "fd00::9"],
      (one, value) => paths(one).some(({ remote }) => remote.address === value),
    ],
    [
      "fromPort",
      PORTS,
      (one, value) => paths(one).some(({ local }) => local.port === value),
    ],
    [
      "toPort",
      PORTS,
      (one, value) => paths(one).some(({ remote }) => remote.port === value),
    ],
    [
      "dev",
      ["lo", "eth0", "eth1", "eth2"],
      (one, value) =>
        paths(one).some(({ dev, ifIndex, local }) =>
          dev === value ||
          ifIndex === 0 && value === "eth2" &&
            plain(local.address) === ADDRESSES[0]
        ),
    ],
    [
      "state",
      [...STATES, "listening"],
      (one, value) => paths(one).some(({ state }) => state === value),
    ],
    ["fallback", [false, true], (one, value) => one.fallback === value],
    [
      "token",
      [1, 2, 3, 4, 5].map(tokenOf),
      (one, value) => one.token === value,
    ],
  ];
  const found = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const [kernel] = randomKernel(random);
    kernel.interfaces = new FakeInterfaces();
    const [address] = ADDRESSES;
    kernel.interfaces.addresses.push({ address: address!, dev: "eth2" });
    const diag = Diag.open({ namespace: kernel });
    const all = [...diag.connections()];
    for (const [key, values, isWanted] of keys) {
      for (const value of values) {
        const wanted = all.filter((one) => isWanted(one, value));
        assertEquals(
          [...diag.connections({ [key]: value })],
          wanted,
          `${key} ${value}`,
        );
        found.add(`${key} ${wanted.length === 0 ? "none" : "some"}`);
      }
    }
    const [key, values, isWanted] = pick(random, keys);
    const [other, others, isOther] = pick(random, keys);
    const [value, another] = [pick(random, values), pick(random, others)];
    if (key === other) continue;
    const meetsBoth = (one: Connection) =>
      isWanted(one, value) && isOther(one, another);
    // Address and port are those of one subflow.
    const isOneEnd = key === `${other}Port` || other === `${key}Port`;
    const meets = (one: Connection) =>
      isOneEnd
        ? paths(one).some((path) =>
          meetsBoth({ ...one, ...path, subflows: [] })
        )
        : meetsBoth(one);
    assertEquals(
      [...diag.connections({ [key]: value, [other]: another })],
      all.filter(meets),
      `${key} ${value}, ${other} ${another}`,
    );
  }
  assertEquals(found.size, keys.length * 2);
});

Deno.test("a filter that no connection can meet is refused before anything is sent", () => {
  const kernel = new FakeKernel();
  const diag = Diag.open({ namespace: kernel });
  const rows: [ConnectionFilter, string][] = [
    [{ token: 0 }, "token"],
    [{ from: "10.0.1" }, "10.0.1"],
    [{ to: "" }, "address"],
    [{ fromPort: 0 }, "fromPort"],
    [{ toPort: 65536 }, "toPort"],
    [{ state: "listen" as SocketState }, 'Unknown state "listen"'],
    [{ dev: "eth9" }, 'Unknown device "eth9"'],
  ];
  for (const [filter, message] of rows) {
    const error = assertThrows(() => diag.connections(filter), Error, message);
    assert(error instanceof TypeError || error instanceof RangeError);
  }
  assertEquals(kernel.sent, []);
});

/** Has something happen after each request that a kernel answers. */
function meanwhile(kernel: FakeNamespace, change: (nth: number) => void): void {
  let nth = 0;
  kernel.distort = (answer) => {
    change(nth++);
    return answer;
  };
}

Deno.test("connections and subflows that come and go are neither lost nor invented", () => {
  /** What the listing has met. */
  const met = new Set<string>();
  for (let seed = 1; seed <= 600; seed++) {
    const random = generator(seed);
    const kernel = new FakeKernel();
    /** Subflows by token: those that ever were, and those that always are. */
    const ever = new Map<number, Set<number>>();
    const always = new Map<number, Set<number>>();
    let next = 1;
    const idsOf = (connection: FakeConnection) =>
      new Set(
        connection.subflows().map(({ locId, remId }) => locId * 256 + remId),
      );
    const note = () => {
      for (const connection of kernel.connections.values()) {
        const known = ever.get(connection.token) ?? new Set();
        ever.set(connection.token, known.union(idsOf(connection)));
      }
      for (const [token, subflows] of always) {
        const connection = kernel.connections.get(token);
        if (connection === undefined) always.delete(token);
        else always.set(token, subflows.intersection(idsOf(connection)));
      }
    };
    const change = () => {
      const connections = [...kernel.connections.values()];
      const one = connections[random(connections.length + 1)];
      if (one === undefined) kernel.connect(tokenOf(next++));
      const action = random(8);
      if (action === 0) one?.close();
      else if (action < 4) {
        const id = next++;
        one?.openSubflow({ locId: id >> 8, remId: id & 255 });
      } else if (action < 6 && one?.subflows().length) {
        one.closeSubflow(random(one.subflows().length));
      }
      note();
    };
    for (let left = 12; left > 0; left--) change();
    for (const one of kernel.connections.values()) {
      always.set(one.token, idsOf(one));
    }
    meanwhile(kernel, () => {
      for (let left = random(4); left > 0; left--) change();
    });
    const seen = new Map<number, Set<number>>();
    for (
      const { token, subflows, partial, subflowsTotal } of listConnections(
        kernel,
        1 + random(6),
      )
    ) {
      assertEquals(seen.has(token), false, `${seed}: twice`);
      const ids = subflows.map(({ local, remote }) =>
        local.id * 256 + remote.id
      );
      seen.set(token, new Set(ids));
      assertEquals(seen.get(token)!.size, ids.length, `${seed}: twice`);
      const invented = new Set(ids).difference(ever.get(token) ?? new Set());
      assertEquals([...invented], [], `${seed}: invented`);
      assertEquals(partial === true, ids.length < subflowsTotal!);
      met.add(partial ? "partial" : "whole");
      if (!always.has(token)) met.add("came or went");
    }
    for (const [token, ids] of always) {
      assert(seen.has(token), `${seed}: connection ${token} lost`);
      const lost = ids.difference(seen.get(token)!);
      assertEquals([...lost], [], `${seed}: subflow lost`);
    }
  }
  assertEquals([...met].sort(), ["came or went", "partial", "whole"]);
});

Deno.test("a socket that is dumped twice is listed once", () => {
  const [kernel, said] = randomKernel(generator(7));
  kernel.distort = ([first, ...rest]) =>
    rest.length > 0 ? [first, first, ...rest] : [first];
  const listed = [...listConnections(kernel)];
  assertEquals(listed.length, said.length);
  for (const { token, subflows } of said) {
    const seen = listed.find((one) => one.token === token)!;
    assertEquals(seen.subflows.length, subflows.length);
  }
});

Deno.test("subflows are looked for only where they can be", () => {
  const [kernel, said] = randomKernel(generator(7));
  using diag = Diag.open({ namespace: kernel });
  assertEquals([...diag.connections()].length, said.length);
  diag.connection(said[0]!.token);
  const { length } = sockDiag.INET_DIAG_REQ_V2;
  // An MPTCP request has an attribute.
  const states = kernel.sent.filter((one) => one.length === 16 + length)
    .map((one) => decodeStruct(sockDiag.INET_DIAG_REQ_V2, one, 16).states);
  // Neither in TIME_WAIT, nor listening, nor only bound.
  assertEquals(states, Array(4).fill(0xffff_dbbf));
});

Deno.test("`connections()` can be left early, nested, and closed meanwhile", () => {
  const [kernel] = randomKernel(generator(7));
  const isLeft = () => kernel.transports.every(({ closed }) => closed);
  const diag = Diag.open({ namespace: kernel });
  const all = [...diag.connections()];
  assert(all.length > 2 && isLeft());
  for (const _ of diag.connections()) break;
  assert(isLeft());
  assertThrows(() => {
    for (const _ of diag.connections()) throw new RangeError();
  }, RangeError);
  assert(isLeft());
  const nested: Connection[] = [];
  for (const { token } of listConnections(kernel, 1)) {
    assertEquals([...diag.connections()], all);
    nested.push(diag.connection(token)!);
    // What has begun goes on.
    diag.close();
    const again = Diag.open({ namespace: kernel });
    assertEquals([...again.connections({ token })], [nested.at(-1)!]);
    break;
  }
  assert(isLeft());
  const going = Diag.open({ namespace: kernel });
  const rest = [];
  for (const connection of going.connections()) {
    going.close();
    rest.push(connection);
  }
  assertEquals(rest, all);
  for (
    const use of [
      () => diag.connections(),
      () => diag.connection(1),
      () => diag.listeners(),
      () => diag.withoutMptcp(),
    ]
  ) {
    assertThrows(use, Deno.errors.BadResource);
  }
  const open = Diag.open({ namespace: kernel });
  kernel.close();
  assertThrows(() => [...open.connections()], Error, "after close");
});

/** What a listing makes of answers that are changed. */
function outcomeOf(namespace: FakeNamespace): string {
  try {
    return `${[...Diag.open({ namespace }).connections()].length} connections`;
  } catch (error) {
    return `${(error as Error).message}`;
  } finally {
    assert(namespace.transports.every(({ closed }) => closed));
  }
}

Deno.test("whatever an exchange ends with is told, and all is closed", () => {
  const rows: [
    string,
    (answer: Bytes[], request: Bytes) => (Bytes | undefined)[],
    connections: string,
    subflows?: string,
  ][] = [
    [
      "a refusal",
      (_, request) => [ack(request, 13)],
      "list MPTCP connections: Permission denied (EACCES)",
    ],
    [
      "a refusal in the midst of a dump",
      ([first], request) => [first!, done(seqOf(request), 105)],
      "list MPTCP connections: No buffer space available (ENOBUFS)",
    ],
    [
      "no end",
      ([first]) => [first!],
      "list MPTCP connections: the kernel did not answer within 1000 ms",
    ],
    ["silence", () => [], "did not answer within 1000 ms"],
  ];
  for (const [name, change, message] of rows) {
    for (const nth of [0, 2]) {
      const namespace = replaying([
        "mptcp-dump-v4-client",
        "tcp-dump-v4-client-3-subflows",
      ]);
      let count = 0;
      namespace.distort = (answer, request) =>
        count++ === nth ? change(answer as Bytes[], request) : answer;
      const expected = nth === 0
        ? message
        : message.replace("MPTCP connections", "subflows");
      const outcome = outcomeOf(namespace);
      assert(outcome.includes(expected), `${name}: ${outcome}`);
    }
  }
});

Deno.test("bytes that cannot be are refused at each level of nesting", () => {
  const names = ["mptcp-dump-v4-client", "tcp-dump-v4-client-3-subflows"];
  // SHUTDOWN, MARK, CGROUP_ID and SOCKOPT come before INFO.
  const info = 16 + sockDiag.INET_DIAG_MSG.length + 36;
  const ulp = info + 284;
  const mptcp = ulp + 4 + 12;
  const wrong = "but 4 to";
  const rows: [
    level: string,
    isTcp: boolean,
    at: number,
    bytes: number[],
    outcome: string,
  ][] = [
    ["header", false, 0, [87], "71 bytes, but inet-diag-msg has 72"],
    ["message", false, 0, [15, 0], "message length 15"],
    ["attribute", false, info - 36, [3], `attribute length 3, ${wrong} 136`],
    ["INFO", false, info, [101], `attribute length 101, ${wrong} 100`],
    ["ULP_INFO", true, ulp, [255], `attribute length 255, ${wrong} 104`],
    ["name", true, ulp + 4, [1], `".ulp-info": attribute length 1, ${wrong}`],
    ["MPTCP", true, mptcp, [2], `".ulp-info": attribute length 2, ${wrong}`],
    [
      "token",
      true,
      mptcp + 12,
      [7],
      '".ulp-info.mptcp.token-loc": 3 bytes, but u32 has 4',
    ],
    [
      "flags",
      true,
      mptcp + 20,
      [90],
      `".ulp-info.mptcp": attribute length 90, ${wrong} 68`,
    ],
    ["state", false, 17, [200], "1 connections"],
    ["family", true, 16, [99], "1 connections"],
  ];
  for (const [level, isTcp, at, bytes, expected] of rows) {
    const namespace = replaying(names);
    let count = 0;
    namespace.distort = (answer) => {
      if (count++ !== (isTcp ? 2 : 0)) return answer;
      const [first, ...rest] = answer as Bytes[];
      first!.set(bytes, at);
      return [level === "header" ? first!.slice(0, 87) : first, ...rest];
    };
    const outcome = outcomeOf(namespace);
    assert(outcome.includes(expected), `${level}: ${outcome}`);
  }
  for (const nth of [0, 2]) {
    for (let cut = 1; cut < 1536; cut += 7) {
      const namespace = replaying(names);
      let count = 0;
      namespace.distort = ([first, ...rest]) =>
        count++ === nth
          ? [(first as Bytes).slice(0, -cut), ...rest]
          : [first, ...rest];
      const outcome = outcomeOf(namespace);
      assert(/Cannot decode|connections/.test(outcome), outcome);
    }
  }
});

Deno.test("a figure that the kernel's structs are too short for is absent", () => {
  const kernel = new FakeKernel();
  kernel.connect(5);
  const diag = Diag.open({ namespace: kernel });
  const whole = diag.connection(5)!;
  const assertShown = (
    shown: object,
    all: object,
    places: Readonly<Record<string, Place>>,
    length: number,
  ) => {
    for (const key of Object.keys(all)) {
      const least = lengthWith(places[key] ?? [0, 0]);
      assertEquals(key in shown, length >= least, `${key} of ${length}`);
    }
    assertEquals(Object.keys(shown).every((key) => key in all), true);
  };
  for (let length = 0; length <= 120; length++) {
    kernel.sockDiag.mptcpInfoLength = length;
    const connection = diag.connection(5);
    assertEquals(connection === undefined, length < 16, `${length}`);
    if (connection === undefined) continue;
    assertShown(connection, whole, MPTCP_FIGURES, length);
  }
  kernel.sockDiag.mptcpInfoLength = 96;
  for (let length = 0; length <= 300; length++) {
    kernel.sockDiag.tcpInfoLength = length;
    const [subflow] = diag.connection(5)!.subflows;
    assertShown(subflow!, whole.subflows[0]!, TCP_FIGURES, length);
  }
});

Deno.test("`partial` says that subflows are not shown, whatever the kernel counts", () => {
  const kernel = new FakeKernel();
  const connection = kernel.connect(5);
  kernel.sockDiag.hidesSubflows = true;
  const diag = Diag.open({ namespace: kernel });
  // The lengths of 6.10, 6.8, 6.5, 5.12 and 5.9.
  for (const length of [96, 88, 80, 48, 40]) {
    kernel.sockDiag.mptcpInfoLength = length;
    for (const privileged of [true, false]) {
      kernel.privileged = privileged;
      assertEquals(diag.connection(5)!.partial, privileged ? undefined : true);
      connection.openSubflow({ locId: 1 });
      const [one] = diag.connections();
      assertEquals(one!.partial, privileged ? undefined : true);
      connection.closeSubflow(1);
    }
  }
});
