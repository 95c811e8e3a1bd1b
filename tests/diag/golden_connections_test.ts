/** `Diag` and the fake kernel against what was captured on Linux 6.18. */
import { assert, assertEquals } from "@std/assert";
import { NLMSG_HDRLEN, sockDiag } from "../../codec/mod.ts";
import { type Connection, Diag, type SocketState } from "../../diag/mod.ts";
import { FakeKernel } from "../../testing/mod.ts";
import { camelCase } from "../helpers/golden.ts";
import { type Bytes, split, typeOf } from "../helpers/netlink_bytes.ts";
import {
  conversation,
  type DecodedSocket,
  replaying,
  type Values,
} from "../helpers/sock_diag.ts";

/** What was captured at one moment in one namespace. */
const SCENES: Readonly<Record<string, readonly string[]>> = {
  "three subflows": [
    "mptcp-dump-v4-client",
    "mptcp-dump-v6-client-empty",
    "tcp-dump-v4-client-3-subflows",
  ],
  "three subflows, unprivileged": [
    "mptcp-dump-v4-client",
    "tcp-dump-unprivileged",
  ],
  "the server of that": ["mptcp-dump-v4-server", "tcp-dump-v4-server"],
  "fallback": ["mptcp-dump-fallback", "tcp-dump-fallback"],
  "a join that nothing answers": [
    "mptcp-dump-join-syn-sent",
    "tcp-dump-join-syn-sent",
  ],
  "IPv4 and IPv6": [
    "mptcp-dump-v6-with-v4-subflow",
    "tcp-dump-v6-of-mixed",
    "tcp-dump-v4-of-mixed",
  ],
  "three connections": ["mptcp-dump-multi", "tcp-dump-multi"],
  "without MPTCP": ["mptcp-dump-active-disabled", "tcp-dump-active-disabled"],
  "initial subflow gone": [
    "mptcp-dump-initial-subflow-gone",
    "tcp-dump-initial-subflow-gone",
  ],
  "userspace path manager": ["mptcp-dump-userspace-pm"],
  "time-wait": ["tcp-dump-time-wait"],
};

/** The flags by bit, as `include/uapi/linux/mptcp_pm.h` has them. */
const FLAGS = [
  ...["mcap-rem", "mcap-loc", "join-rem", "join-loc", "bkup-rem", "bkup-loc"],
  ...["fully-established", "connected", "mapvalid"],
];

const STATES: Readonly<Record<string, SocketState>> = {
  ESTABLISHED: "established",
  SYN_SENT: "syn-sent",
  TIME_WAIT: "time-wait",
  LISTEN: "listening",
};

/** The names of `Diag` for what the program has under another name. */
const RENAMED: Readonly<Record<string, string>> = {
  subflows: "extraSubflows",
  bytesRetrans: "bytesRetransmitted",
  lastDataRecv: "lastDataReceivedMs",
  lastAckRecv: "lastAckReceivedMs",
  lastDataSent: "lastDataSentMs",
  endpLaminarMax: "laminarMax",
  csumEnabled: "checksums",
  rttvarUs: "rttVarUs",
  sndCwnd: "congestionWindow",
  sndMss: "mss",
  pmtu: "pathMtu",
  totalRetrans: "retransmits",
  deliveryRateBps: "deliveryRate",
};

/** What `Diag` does not show, or shows elsewhere. */
const NOT_SHOWN = [
  ...["flags", "token", "tokenHex", "writeSeq", "sndUna", "rcvNxt"],
  ...["len", "state", "caState", "retrans", "segsOut", "segsIn"],
];

function figures(info: Values): Values {
  const entries = Object.entries(info).map(
    ([key, value]): [string, unknown] => {
      const name = camelCase(key.replaceAll("_", "-"));
      return [
        RENAMED[name] ?? name,
        name === "csumEnabled" ? value === 1 : Number(value),
      ];
    },
  );
  return Object.fromEntries(
    entries.filter(([key]) => !NOT_SHOWN.includes(key as string)),
  );
}

function ends({ src, dst }: DecodedSocket) {
  const [local, remote] = [src, dst].map((text) => {
    const at = text.lastIndexOf(":");
    return { address: text.slice(0, at), port: Number(text.slice(at + 1)) };
  });
  return { local: local!, remote: remote! };
}

function common(socket: DecodedSocket): Values {
  const { ifindex, uid, inode, rq, wq } = socket;
  return {
    ...{ uid, inode, receiveQueue: rq, sendQueue: wq, ifIndex: ifindex },
    state: STATES[socket.state],
    cookie: parseInt(socket.cookie, 16),
    ...ifindex !== 0 && { dev: DEVICES.get(ifindex as number) },
  };
}

const DEVICES = new Map([[3, "eth1"]]);

/** The nest of MPTCP below a TCP socket. */
function nestOf({ attrs }: DecodedSocket): Values | undefined {
  const ulp = attrs["ULP_INFO"] as Values | undefined;
  return ulp?.["mptcp"] as Values | undefined;
}

function decodedSubflow(socket: DecodedSocket): Values {
  const nest = nestOf(socket)!;
  const bits = nest["flags"] as number;
  const flags = FLAGS.filter((_, bit) => bits >>> bit & 1);
  const { local, remote } = ends(socket);
  const { retransmits, ...tcp } = socket.attrs["INFO_tcp"] as Values;
  assertEquals(retransmits, socket["retrans"]);
  const info = figures(tcp);
  if (info["rttUs"] === 0) {
    for (const key of ["rttUs", "rttVarUs", "minRttUs"]) delete info[key];
  }
  if (socket.state === "SYN_SENT") delete info["lastDataSentMs"];
  return {
    ...{ ...common(socket), flags, ...info },
    local: { ...local, id: nest["id-loc"] },
    remote: { ...remote, id: nest["id-rem"] },
    initial: !flags.includes("join-loc") && !flags.includes("join-rem"),
    openedHere: flags.includes("mcap-loc") || flags.includes("join-loc"),
    backup: flags.includes("bkup-loc") || flags.includes("bkup-rem"),
    timerRetransmits: socket["retrans"],
  };
}

function socketsOf(scene: readonly string[]): DecodedSocket[] {
  return scene.map(conversation).flatMap(({ decoded }) => decoded)
    .flatMap(({ inet_diag_msg: socket }) => socket ?? []);
}

/** The subflow as the program decoded it, which left out two figures. */
function comparable(subflow: object): Values {
  const { lastDataReceivedMs, lastAckReceivedMs, ...rest } = subflow as Values;
  const kind = rest["state"] === "syn-sent" ? "undefined" : "number";
  assertEquals(typeof lastDataReceivedMs, kind);
  assertEquals(typeof lastAckReceivedMs, kind);
  return rest;
}

const byCookie = (one: Values, other: Values) =>
  Number(one["cookie"]) - Number(other["cookie"]);

for (const [name, scene] of Object.entries(SCENES)) {
  Deno.test(`\`Diag\` shows what was captured: ${name}`, () => {
    const sockets = socketsOf(scene);
    const namespace = replaying(scene);
    for (const [index, dev] of DEVICES) namespace.devices.set(dev, index);
    const diag = Diag.open({ namespace });
    const subflows = sockets.filter((socket) => nestOf(socket) !== undefined);
    const expected = sockets.flatMap((socket) => {
      const info = socket.attrs["INFO_mptcp"] as Values | undefined;
      const token = info?.["token"] as number;
      if (!token) return [];
      const bits = info!["flags"] as number;
      const its = subflows.filter((one) =>
        parseInt(nestOf(one)!["token-loc"] as string, 16) === token
      );
      return {
        ...{ token, ...ends(socket), ...common(socket) },
        ...figures(info!),
        fallback: (bits & 1) !== 0,
        remoteKeyReceived: (bits & 2) !== 0,
        subflows: its.map(decodedSubflow).sort(byCookie),
        ...its.length < (info!["subflows_total"] as number) &&
          { partial: true },
      };
    });
    const connections = [...diag.connections()];
    assertEquals(
      connections.map(({ subflows, ...connection }) => ({
        ...connection,
        subflows: subflows.map(comparable).sort(byCookie),
      })) as object[],
      expected,
    );
    for (const connection of connections) {
      assertEquals(diag.connection(connection.token), connection);
    }
    const isListener = ({ state, attrs }: DecodedSocket) =>
      state === "LISTEN" && "ULP_INFO" in attrs;
    assertEquals(
      [...diag.listeners()].map(({ local, backlogMax }) => [local, backlogMax]),
      sockets.filter(isListener).map((one) => [ends(one).local, one["wq"]]),
    );
    const unused = subflows.filter((one) =>
      parseInt(nestOf(one)!["token-loc"] as string, 16) === 0
    );
    assertEquals(
      [...diag.withoutMptcp()].map(comparable),
      unused.map(decodedSubflow),
    );
    // Each question was captured, or only differs in the states it is about.
    for (const request of namespace.sent) {
      const asked = withoutChoice(request);
      assert(CAPTURED.includes(asked), asked);
    }
  });
}

/** A request without its number, states, token, and what has no effect. */
function withoutChoice(request: Uint8Array): string {
  const bytes = request.slice().fill(0, 8, 12).fill(0, 20, 24).fill(0, 64, 68);
  const isMptcp = bytes.length > TCP_REQUEST;
  return bytes.fill(0, 17, isMptcp ? 18 : 17).toHex();
}

const TCP_REQUEST = NLMSG_HDRLEN + sockDiag.INET_DIAG_REQ_V2.length;

const CAPTURED = [
  ...["mptcp-dump-v4-client", "mptcp-dump-v6-client-empty", "mptcp-by-token"],
  ...["tcp-dump-v4-server", "tcp-dump-v6-of-mixed"],
].map((name) => withoutChoice(Uint8Array.fromHex(conversation(name).request)));

/** A fake kernel with what was captured. */
function mirror(scene: readonly string[]): FakeKernel {
  const kernel = new FakeKernel();
  const diag = Diag.open({ namespace: replaying(scene) });
  for (const connection of diag.connections()) {
    addConnection(kernel, connection);
  }
  for (const unused of diag.withoutMptcp()) {
    kernel.sockets.push({ ...unused, mptcp: true });
  }
  for (const socket of socketsOf(scene)) {
    const isOther = !("INFO_mptcp" in socket.attrs) && !nestOf(socket);
    if (!isOther) continue;
    const mptcp = "ULP_INFO" in socket.attrs;
    kernel.sockets.push({ ...ends(socket), ...common(socket), mptcp });
  }
  return kernel;
}

function addConnection(kernel: FakeKernel, seen: Connection): void {
  const { token, local, remote, subflows } = seen;
  const initial = subflows.find((one) => one.initial);
  const connection = kernel.connect(token, {
    ...{ local, remote, serverSide: initial?.openedHere === false },
    established: !seen.fallback,
  });
  connection.set(seen);
  for (const subflow of subflows) {
    const { local, remote, backup, flags, ...figures } = subflow;
    const backupByPeer = flags.includes("bkup-rem");
    const its = { ...figures, backupByPeer };
    if (subflow.initial) connection.setSubflow(0, its);
    else {
      const [locId, remId] = [local.id, remote.id];
      const isBackup = backup && !backupByPeer;
      connection.openSubflow({
        ...{ ...its, local, remote, locId, remId, backup: isBackup },
      });
    }
  }
  if (initial === undefined) connection.closeSubflow(0);
}

/** Members of `tcp_info` that a test can say something of. */
const SAID = new Set([
  ...["state", "retransmits", "backoff", "rto", "sndMss", "unacked", "lost"],
  ...["lastDataSent", "lastDataRecv", "lastAckRecv", "pmtu", "rtt", "rttvar"],
  ...["sndCwnd", "totalRetrans", "bytesAcked", "bytesReceived", "minRtt"],
  ...["deliveryRate", "bytesSent", "bytesRetrans"],
]);

/** A message without numbers that differ each time, or are of no interest. */
function masked(message: Bytes): string {
  const bytes = message.fill(0, 8, 16);
  if (typeOf(bytes) !== sockDiag.MESSAGES["inet-diag-msg"].type) {
    return bytes.toHex();
  }
  const { length } = sockDiag.INET_DIAG_MSG;
  bytes.fill(0, NLMSG_HDRLEN + 44, NLMSG_HDRLEN + 56);
  for (const [type, at, end] of attrsIn(bytes, NLMSG_HDRLEN + length)) {
    if (type === sockDiag.INET_DIAG_INFO) maskInfo(bytes, at, end);
    if (type !== sockDiag.INET_DIAG_ULP_INFO) continue;
    for (const [type, from, to] of attrsIn(bytes, at, end)) {
      if (type !== sockDiag.INET_ULP_INFO_MPTCP) continue;
      for (const [type, start, end] of attrsIn(bytes, from, to)) {
        // The peer's token, and sequence numbers.
        if (type === 1 || type >= 4 && type <= 7) bytes.fill(0, start, end);
      }
    }
  }
  return bytes.toHex();
}

function maskInfo(bytes: Bytes, at: number, end: number): void {
  if (end - at === sockDiag.MPTCP_INFO.length) {
    bytes.fill(0, at + 16, at + 40);
    return;
  }
  const info = bytes.slice(at, end);
  bytes.fill(0, at, end);
  for (const { key, kind, offset } of sockDiag.TCP_INFO.members) {
    const isOpening = info[0] === 2 && key.startsWith("last");
    if (!SAID.has(key) || isOpening) continue;
    const width = Number(kind.slice(1)) / 8;
    bytes.set(info.subarray(offset, offset + width), at + offset);
  }
}

/** The attributes there: number, start and end of the payload. */
function* attrsIn(
  bytes: Uint8Array,
  start: number,
  end: number = bytes.length,
): Generator<readonly [type: number, start: number, end: number]> {
  for (let at = start; at < end;) {
    const length = bytes[at]! | bytes[at + 1]! << 8;
    yield [bytes[at + 2]! | bytes[at + 3]! << 8, at + 4, at + length];
    at += length + 3 & ~3;
  }
}

/** Questions that do not depend on what there is. */
const REFUSED = [
  ...["mptcp-by-token-notfound", "dump-unknown-protocol", "dump-af-unspec"],
  "mptcp-dump-v6-client-empty",
];

for (
  const [name, scene] of [...Object.entries(SCENES), [
    "nothing",
    REFUSED,
  ]] as const
) {
  Deno.test(`\`FakeKernel\` shows what was captured, byte by byte: ${name}`, () => {
    const kernel = mirror(name === "nothing" ? [] : scene);
    kernel.options.capAck = false;
    const names = [...scene];
    // They are of the sockets that are in others, too.
    if (name === "three subflows") {
      names.push("tcp-dump-v4-no-ext", "mptcp-without-protocol-attr");
      names.push("tcp-dump-established-only", "mptcp-by-token");
    }
    for (const name of names) {
      const { request, datagrams } = conversation(name);
      kernel.privileged = !name.includes("unprivileged");
      if (name === "mptcp-by-token") {
        // That was asked 4 ms later.
        const ms = 1164;
        const last = { lastDataSentMs: ms, lastDataReceivedMs: ms };
        const [connection] = kernel.connections.values();
        connection!.set({ ...last, lastAckReceivedMs: ms });
      }
      using transport = kernel.open(sockDiag.NETLINK_SOCK_DIAG);
      transport.send(Uint8Array.fromHex(request));
      const answer: Uint8Array[] = [];
      for (let bytes; (bytes = transport.receive()) !== undefined;) {
        answer.push(bytes.slice());
      }
      const readable = (datagram: Uint8Array) =>
        split(datagram).map(masked).sort();
      assertEquals(
        answer.map(readable),
        datagrams.map((hex) => readable(Uint8Array.fromHex(hex))),
        name,
      );
    }
  });
}
