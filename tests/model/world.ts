/**
 * Two kernels that are to do the same: the running one, and a fake.
 *
 * @module
 */

import { decodeAttrs } from "../../codec/attrs.ts";
import { readU32 } from "../../codec/bytes.ts";
import { EVENT_ATTR, MPTCP_PM_NAME, OPS } from "../../codec/mptcp_pm.gen.ts";
import { decodeFamily, encodeGetFamily } from "../../codec/nlctrl.ts";
import { decodeNlMessages } from "../../codec/nlmsghdr.ts";
import { type Connection, Diag } from "../../diag/mod.ts";
import { NetworkNamespace } from "../../ffi/namespace.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  type AddAddrOptions,
  PathManager,
  type SubflowAddress,
} from "../../mod.ts";
import { NETLINK_GENERIC } from "../../netlink/genl.ts";
import type { Transport } from "../../netlink/transport.ts";
import { EVENTS_GROUP } from "../../testing/fake_commands.ts";
import type {
  FakeConnection,
  FakeRoute,
  FakeSubflow,
} from "../../testing/fake_connection.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { addMiddlebox } from "../helpers/middlebox.ts";
import { HERE, IN_KERNEL, KINDS, PEER, RealConnection } from "./connections.ts";
import type { Step } from "./generate.ts";
import { DEVICES, listen, PEER_IDS, route, SILENT_PORT } from "./network.ts";
import { withoutPrivilege } from "./privilege.ts";
import { encodeRequest, type Names, type Request } from "./request.ts";
import { textOf } from "./text.ts";

/** The peer takes eight besides the initial one. */
const MOST_SUBFLOWS = 8;

/** What came of a step, or what is there, in lines to compare. */
export interface Outcome {
  readonly real: readonly string[];
  readonly fake: readonly string[];
}

/** A connection of both kernels. */
interface Pair {
  readonly real: RealConnection;
  readonly fake: FakeConnection;
}

/** The running kernel in a lab, and the fake beside it. */
export class World implements Disposable {
  /** How often the running kernel gave each answer to each command. */
  readonly answers: Map<string, number> = new Map();
  /** How long events of the running kernel may take, in milliseconds. */
  patienceMs = 20_000;
  readonly #stack: DisposableStack;
  readonly #lab: Lab;
  readonly #here: NetworkNamespace;
  readonly #there: NetworkNamespace;
  readonly #pm: PathManager;
  readonly #diag: Diag;
  readonly #socket: Transport;
  readonly #events: NetlinkSocket;
  readonly #family: number;
  readonly #makeFake: () => FakeKernel;
  #fake = new FakeKernel();
  #fakeSocket = this.#fake.open(NETLINK_GENERIC);
  #fakeEvents = this.#fake.subscribe(NETLINK_GENERIC, [EVENTS_GROUP]);
  #pairs: Pair[] = [];
  /** Events of the running kernel that were not compared yet. */
  #seen: Uint8Array<ArrayBuffer>[] = [];
  /** Tokens of connections that the fake does not have, or no longer. */
  readonly #ignored = new Set<number>();
  /** Ports that this program has listened on: the kernel may close them late. */
  readonly #listening = new Set<number>();
  #seq = 0;
  #port = 20000;

  constructor(makeFake: () => FakeKernel = () => new FakeKernel()) {
    this.#makeFake = makeFake;
    using stack = new DisposableStack();
    this.#lab = stack.use(Lab.open({ paths: 3 }));
    const { client, server } = this.#lab;
    // A port is free again when its socket is closed.
    client.sysctl("net.ipv4.tcp_max_tw_buckets", 0);
    addMiddlebox(server, { toServer: `tcp dport ${SILENT_PORT} drop` });
    const peer = stack.use(PathManager.open({ netns: server.netns }));
    // It takes joins, and names its addresses.
    peer.setLimits({ subflows: MOST_SUBFLOWS, addAddrAccepted: 0 });
    for (const [index, address] of PEER.entries()) {
      peer.addAddr({ address, id: PEER_IDS[index]! });
    }
    this.#pm = stack.use(PathManager.open({ netns: client.netns }));
    this.#here = stack.use(NetworkNamespace.open(client.netns));
    this.#there = stack.use(NetworkNamespace.open(server.netns));
    this.#diag = Diag.open({ namespace: this.#here });
    this.#socket = stack.use(this.#here.open(NETLINK_GENERIC));
    this.#socket.send(encodeGetFamily(MPTCP_PM_NAME, 1));
    const [message] = decodeNlMessages(this.#socket.receive()!);
    const { id, mcastGroups } = decodeFamily(message!);
    this.#family = id;
    const groups = mcastGroups.map(({ id }) => id);
    this.#events = stack.use(this.#here.subscribe(NETLINK_GENERIC, groups));
    this.#stack = stack.move();
  }

  /** Forgets all that was done. */
  reset(): void {
    this.#pm.flushAddrs();
    for (const pair of this.#pairs) this.#close(pair);
    this.#pm.setLimits({ subflows: 2, addAddrAccepted: 0 });
    this.#fake = this.#makeFake();
    this.#fake.network = {
      listen: (local) => listen(local, this.#sockets()),
      connect: (token, subflow) => this.#route(token, subflow),
    };
    this.#fake.devices.set("client2", DEVICES[2]!);
    this.#fakeSocket = this.#fake.open(NETLINK_GENERIC);
    this.#fakeEvents = this.#fake.subscribe(NETLINK_GENERIC, [EVENTS_GROUP]);
    this.#pairs = KINDS.map((_, index) => this.#open(index));
    this.#takeEvents();
  }

  #open(index: number): Pair {
    const kind = KINDS[index]!;
    const real = RealConnection.open(kind, this.#lab, this.#pm);
    this.#listening.add(real.ends.local.port);
    const fake = this.#fake.connect(real.token, { ...kind, ...real.ends });
    return { real, fake };
  }

  /** Events that still come are not looked at. */
  #close({ real }: Pair): void {
    this.#ignored.add(real.token);
    real[Symbol.dispose]();
  }

  /** Does a step to both, and returns what came of it. */
  perform(step: Step): Outcome {
    if ("establish" in step) {
      this.#establish(step.establish);
      return this.#takeEvents();
    }
    if ("reconnect" in step) return this.#reconnect(step.reconnect);
    if ("implicit" in step) return this.#makeImplicit(step.implicit);
    const outcome = this.#send(step.request, step.unprivileged);
    this.#count(step.request, outcome);
    // What is to be sent without a subflow waits for one, and then closes it.
    const lost = this.#pairs.findIndex(({ fake }) =>
      fake.subflows().length === 0
    );
    return lost < 0 ? outcome : both(outcome, this.#reconnect(lost));
  }

  #count({ cmd }: Request, { real }: Outcome): void {
    const op = Object.values(OPS).find((op) => op.cmd === cmd);
    const [words = "nothing"] = real[0]?.split("  ") ?? [];
    // The first message, without its attributes and numbers.
    const answer = `${op?.name ?? "none"}: ${words.replace(/ ?[{\d].*/s, "")}`;
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }

  #reconnect(index: number): Outcome {
    const pair = this.#pairs[index]!;
    // Else the answer to its end may do so, in time or not.
    this.#establish(index);
    pair.real[Symbol.dispose]();
    pair.fake.close();
    const closed = this.#takeEvents();
    this.#close(pair);
    this.#pairs[index] = this.#open(index);
    return both(closed, this.#takeEvents());
  }

  /** An in-kernel connection starts a subflow from an address of its choice. */
  #makeImplicit(address: string): Outcome {
    const fake = PathManager.open({ namespace: this.#fake });
    for (const pm of [this.#pm, fake]) {
      pm.flushAddrs();
      pm.setLimits({ subflows: 2, addAddrAccepted: 0 });
    }
    const any: AddAddrOptions = {
      address: "0.0.0.0",
      flags: ["subflow"],
      dev: DEVICES[2]!,
    };
    const { id } = this.#pm.addAddr(any);
    using connection = RealConnection.open(
      { ...KINDS[IN_KERNEL]!, established: true },
      this.#lab,
      this.#pm,
    );
    this.#ignored.add(connection.token);
    waitFor(() => this.#pm.dumpAddrs().length === 2, "an implicit endpoint");
    this.#pm.delAddr({ id });
    fake.addAddr(any);
    this.#fake.addImplicit(address);
    fake.delAddr({ id });
    return this.#takeEvents();
  }

  #send(request: Request, isUnprivileged = false): Outcome {
    const withdrawals = this.#withdrawals(request);
    const names = this.#names();
    this.#seq++;
    const [datagram, copy] = [this.#family, FAMILY].map((family) =>
      encodeRequest(request, family, this.#seq, names)
    );
    const ask = () => this.#ask(this.#socket, datagram!);
    const real = isUnprivileged ? withoutPrivilege(ask) : ask();
    this.#fake.privileged = !isUnprivileged;
    const fake = this.#ask(this.#fakeSocket, copy!);
    this.#fake.privileged = true;
    withdrawals?.();
    return both({ real, fake }, this.#takeEvents());
  }

  /**
   * Notes what RM_ADDR there was, and returns what waits until the peer has
   * dealt with that of the command: meanwhile it would close a new subflow.
   */
  #withdrawals({ cmd }: Request): (() => void) | undefined {
    if (cmd !== OPS.remove.cmd) return undefined;
    const count = (namespace: NetworkNamespace, name: string) => {
      const text = namespace.readFile("/proc/thread-self/net/netstat")!;
      const [names, values] = text.split("\n")
        .filter((line) => line.startsWith("MPTcpExt:"))
        .map((line) => line.split(" "));
      return Number(values![names!.indexOf(name)]);
    };
    const sent = () => count(this.#here, "RmAddrTx");
    const done = () => count(this.#there, "RmAddr");
    const difference = sent() - done();
    return () => {
      const end = performance.now() + this.patienceMs;
      while (sent() - done() > difference && performance.now() < end);
    };
  }

  /** Gets the first data of a connection acknowledged. */
  #establish(index: number): void {
    const { real, fake } = this.#pairs[index]!;
    if (fake.established) return;
    real.establish();
    fake.establish();
  }

  #names(): Names {
    let freshPort: number | undefined;
    return {
      token: (connection) => this.#pairs[connection]!.real.token,
      freshPort: () => freshPort ??= this.#port++,
      peerPort: (connection) => {
        const { real, fake } = this.#pairs[connection]!;
        const isFull = fake.subflows().length >= MOST_SUBFLOWS;
        return isFull ? 1 : real.peerPort ?? 1;
      },
      end: ({ of, subflow, end }) => {
        const all = this.#pairs[of]!.fake.subflows();
        return all.length === 0
          ? { address: HERE[0]!, port: 1 }
          : all[subflow % all.length]![end];
      },
    };
  }

  /** Sends a datagram, and takes all that comes back. */
  #ask(transport: Transport, datagram: Uint8Array<ArrayBuffer>): string[] {
    transport.send(datagram);
    const answers: string[] = [];
    for (let bytes; (bytes = transport.receive()) !== undefined;) {
      answers.push(textOf(bytes, this.#family));
    }
    return answers;
  }

  /** The events that a step has caused, in the order of each connection. */
  #takeEvents(): Outcome {
    const fake: Uint8Array<ArrayBuffer>[] = [];
    for (let bytes; (bytes = this.#fakeEvents.receive()) !== undefined;) {
      fake.push(bytes.slice());
    }
    this.#await(() => this.#seen.length >= fake.length);
    const tokenOf = (event: Uint8Array) => readU32(event, 24);
    const textsOf = (events: Uint8Array<ArrayBuffer>[]) =>
      events.toSorted((one, other) => tokenOf(one) - tokenOf(other))
        .map((event) => textOf(event, this.#family));
    return { real: textsOf(this.#seen.splice(0)), fake: textsOf(fake) };
  }

  /** Takes the events that are there, and waits until there is what must be. */
  #await<T>(find: () => T): T {
    const end = performance.now() + this.patienceMs;
    for (;;) {
      for (let bytes; (bytes = this.#events.receive()) !== undefined;) {
        const event = bytes.slice();
        if (!this.#isUnmodelled(event)) this.#seen.push(event);
      }
      const found = find();
      if (found || !this.#events.wait(end - performance.now())) return found;
    }
  }

  /**
   * What is not modelled: what the in-kernel path manager does on its own, and
   * the listening sockets of this program.
   */
  #isUnmodelled(message: Uint8Array): boolean {
    const [event] = message.subarray(16);
    const { token, sport } = decodeAttrs(EVENT_ATTR, message, 20);
    if (token === undefined) return this.#listening.has(sport!);
    const isOf = ({ fake }: Pair) =>
      token === fake.token && fake.pathManager === "kernel" && event! > 3;
    return this.#ignored.has(token) || this.#pairs.some(isOf);
  }

  /** What there is, as both show it. */
  state(): Outcome {
    const real: string[] = [];
    const fake: string[] = [];
    for (const request of STATE) {
      const outcome = this.#send(request);
      real.push(...outcome.real);
      fake.push(...outcome.fake);
    }
    for (const pair of this.#pairs) {
      if (pair.fake.pathManager === "kernel") continue;
      const subflows = pair.fake.subflows().map(({ local, remote }) => ({
        ...{ local, remote },
      }));
      fake.push(JSON.stringify(subflows));
      // The socket shows the initial one when it is closed, too.
      const all = pair.real.subflows();
      const isOpen = JSON.stringify(subflows[0]) ===
        JSON.stringify(pair.real.ends);
      real.push(JSON.stringify(isOpen ? all : all.slice(1)));
    }
    const fakeDiag = Diag.open({ namespace: this.#fake });
    const [seen, expected] = [this.#diag, fakeDiag].map((diag) =>
      new Map(Iterator.from(diag.connections()).map((one) => [one.token, one]))
    );
    for (const { fake: { token, pathManager } } of this.#pairs) {
      const isModelled = pathManager === "userspace";
      real.push(diagnosed(seen!.get(token), isModelled));
      fake.push(diagnosed(expected!.get(token), isModelled));
    }
    return { real, fake };
  }

  /** Where sockets of this host are, as far as they are known. */
  #sockets(): SubflowAddress[] {
    const all = this.#pairs.flatMap(({ fake }) => fake.subflows());
    return [...this.#fake.endpoints(), ...all.map(({ local }) => local)];
  }

  /** What becomes of a subflow. */
  #route(token: number, subflow: FakeSubflow): FakeRoute {
    const isOf = ({ fake }: Pair) => fake.token === token;
    const { real } = this.#pairs.find(isOf)!;
    const connection = { peer: real.ends.remote, peerPort: real.peerPort };
    const result = route(subflow, connection, this.#sockets());
    if (result.error !== undefined || subflow.local.port !== 0) return result;
    const port = result.silent ? this.#silentPort(token) : this.#portOf(token);
    return { ...result, port: port ?? 1 };
  }

  /** The port that the kernel chose for a subflow that nobody answers. */
  #silentPort(token: number): number | undefined {
    const known = this.#sockets().map(({ port }) => port);
    return this.#diag.connection(token)?.subflows.find(({ state, local }) =>
      state === "syn-sent" && !known.includes(local.port)
    )?.local.port;
  }

  /** The port that the kernel chose for a subflow, as its event shows it. */
  #portOf(token: number): number | undefined {
    return this.#await(() => {
      for (const event of this.#seen) {
        const attrs = decodeAttrs(EVENT_ATTR, event, 20);
        // One that is closed by a command has no error.
        const isNew = event[16] === 10 || event[16] === 11 && attrs.error;
        if (isNew && attrs.token === token) return attrs.sport;
      }
      return undefined;
    });
  }

  [Symbol.dispose](): void {
    for (const { real } of this.#pairs) real[Symbol.dispose]();
    this.#stack.dispose();
  }
}

/**
 * What `Diag` sees of a connection that is not the work of a moment.
 *
 * @param isModelled Whether nothing but commands changes it.
 */
function diagnosed(
  connection: Connection | undefined,
  isModelled: boolean,
): string {
  if (connection === undefined) return "no connection";
  const { token, local, remote, fallback, remoteKeyReceived } = connection;
  const { extraSubflows, subflowsTotal, localAddrUsed } = connection;
  const { addAddrSignal, addAddrAccepted } = connection;
  const { subflowsMax, addAddrSignalMax, addAddrAcceptedMax } = connection;
  const { localAddrMax, laminarMax } = connection;
  // Those that are being closed go when they like.
  const subflows = connection.subflows
    .filter(({ state }) => state === "established")
    .map(({ local, remote, initial, openedHere, backup, ifIndex, flags }) =>
      JSON.stringify({
        ...{ local, remote, initial, openedHere, backup, ifIndex },
        flags: flags.filter((flag) => flag !== "mapvalid"),
      })
    );
  return JSON.stringify({
    ...{ token, local, remote, fallback, remoteKeyReceived },
    ...{ subflowsMax, addAddrSignalMax, addAddrAcceptedMax },
    ...{ localAddrMax, laminarMax, subflows: subflows.sort() },
    ...isModelled && {
      ...{ extraSubflows, subflowsTotal, localAddrUsed },
      ...{ addAddrSignal, addAddrAccepted },
    },
  });
}

function both(one: Outcome, other: Outcome): Outcome {
  return {
    real: [...one.real, ...other.real],
    fake: [...one.fake, ...other.fake],
  };
}

/** What asks for all that can be read. */
const STATE: readonly Request[] = [
  { cmd: 6, flags: 1, version: 1, attrs: [] },
  { cmd: 3, flags: 0x301, version: 1, attrs: [] },
  ...KINDS.map((_, index) => ({
    ...{ cmd: 3, flags: 0x301, version: 1 },
    attrs: [{ type: 4, value: { tokenOf: index } }],
  })),
];
