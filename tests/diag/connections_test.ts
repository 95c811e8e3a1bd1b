import { assert, assertEquals, assertThrows } from "@std/assert";
import { DecodeError, sockDiag } from "../../codec/mod.ts";
import { listConnections } from "../../diag/connections.ts";
import {
  type Connection,
  type ConnectionFilter,
  Diag,
  type SocketState,
} from "../../diag/mod.ts";
import { NetlinkError } from "../../mod.ts";
import {
  type FakeConnection,
  type FakeConnectionFigures,
  FakeKernel,
  type FakeNamespace,
  type FakeSubflowOptions,
} from "../../testing/mod.ts";
import { ack, type Bytes, done, seqOf } from "../helpers/netlink_bytes.ts";
import { generator, pick, type Random } from "../helpers/random.ts";
import { replaying } from "../helpers/sock_diag.ts";

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
        return {
          local: { ...local, id: locId },
          remote: { ...remote, id: remId },
          ...{ backup: backup || backupByPeer, ifIndex, ...figures },
          dev: DEVICES[ifIndex],
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
      ["lo", "eth0", "eth1", "eth9"],
      (one, value) => paths(one).some(({ dev }) => dev === value),
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
    /** Cookies of subflows by token: all that ever were, and are all the time. */
    const ever = new Map<number, Set<number>>();
    let always: Map<number, Set<number>> | undefined;
    let next = 1;
    const cookies = ({ token }: FakeConnection) =>
      new Set(
        [...kernel.connections.get(token)!.subflows()].map(({ locId, remId }) =>
          locId * 256 + remId
        ),
      );
    const note = () => {
      for (const connection of kernel.connections.values()) {
        const known = ever.get(connection.token) ?? new Set();
        ever.set(connection.token, known.union(cookies(connection)));
      }
      for (const [token, subflows] of always ?? []) {
        const connection = kernel.connections.get(token);
        if (connection === undefined) always!.delete(token);
        else always!.set(token, subflows.intersection(cookies(connection)));
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
    always = new Map(
      [...kernel.connections.values()].map((one) => [one.token, cookies(one)]),
    );
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
