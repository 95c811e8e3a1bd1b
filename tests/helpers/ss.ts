/**
 * The sockets of a host, as `ss` prints them.
 *
 * @module
 */

import type { Connection, SocketState, Subflow } from "../../diag/mod.ts";
import type { Host } from "../../testing/host.ts";

/** One line of `ss`: what is there by name, all of it text. */
export type SsSocket = Readonly<Record<string, string>>;

/** The sockets of one kind by cookie. */
export type SsSockets = ReadonlyMap<number, SsSocket>;

/** Reads what `ss -i -e` prints of each MPTCP socket, or each TCP socket. */
export function ssSockets(host: Host, kind: "-M" | "-t"): SsSockets {
  const lines = host.exec("ss", kind, "-HnaieO").trim().split("\n");
  return new Map(
    lines.filter((line) => line !== "").map((line) => {
      const socket = parse(line);
      return [parseInt(socket["sk"] ?? "0", 16), socket];
    }),
  );
}

function parse(line: string): SsSocket {
  const [state, receiveQueue, sendQueue, local, remote, ...rest] = line.trim()
    .split(/\s+/) as [string, string, string, string, string, ...string[]];
  const fields: Record<string, string> = {
    ...{ state, receiveQueue, sendQueue, local, remote },
  };
  // Some numbers come behind their names, and the tokens twice in one.
  for (const [index, word] of rest.entries()) {
    const [name, ...values] = word.split(":");
    if (word.startsWith("token:") && word.includes("(")) {
      Object.assign(fields, subflowToken(word));
    } else if (values.length > 0) fields[name!] = values.join(":");
    else if (/^\d/.test(rest[index + 1] ?? "")) fields[word] = rest[index + 1]!;
    else fields[word] = "";
  }
  return fields;
}

/** `token:REMOTE(id:ID)/LOCAL(id:ID)` */
function subflowToken(word: string): SsSocket {
  const [, , remoteId, token, localId] = word.match(
    /^token:(\w+)\(id:(\d+)\)\/(\w+)\(id:(\d+)\)$/,
  )!;
  return { token: token!, localId: localId!, remoteId: remoteId! };
}

const STATES: Readonly<Record<SocketState, string>> = {
  ...{ "established": "ESTAB", "syn-sent": "SYN-SENT", "syn-recv": "SYN-RECV" },
  ...{ "fin-wait-1": "FIN-WAIT-1", "fin-wait-2": "FIN-WAIT-2" },
  ...{ "time-wait": "TIME-WAIT", "closed": "UNCONN", "listening": "LISTEN" },
  ...{ "close-wait": "CLOSE-WAIT", "last-ack": "LAST-ACK" },
  closing: "CLOSING",
};

type Socket = Connection | Subflow;

function commonOf(socket: Socket): SsSocket {
  const { state, receiveQueue, sendQueue, local, remote, inode, uid } = socket;
  const end = (address: string, port: number, dev = "") =>
    `${address.includes(":") ? `[${address}]` : address}${dev}:${port}`;
  return {
    state: STATES[state],
    receiveQueue: `${receiveQueue}`,
    sendQueue: `${sendQueue}`,
    local: end(local.address, local.port, socket.dev && `%${socket.dev}`),
    remote: end(remote.address, remote.port),
    ino: `${inode}`,
    sk: socket.cookie.toString(16),
    ...uid !== 0 && { uid: `${uid}` },
  };
}

/** Leaves out what `ss` does not print. */
function withoutZeros(numbers: Readonly<Record<string, number | undefined>>) {
  return Object.fromEntries(
    Object.entries(numbers).filter(([, number]) => number)
      .map(([key, number]) => [key, `${number}`]),
  );
}

/** What `ss` prints of a connection. */
export function connectionAsSs(connection: Connection): SsSocket {
  return {
    ...commonOf(connection),
    ...withoutZeros({
      subflows: connection.extraSubflows,
      add_addr_signal: connection.addAddrSignal,
      add_addr_accepted: connection.addAddrAccepted,
      subflows_max: connection.subflowsMax,
      add_addr_signal_max: connection.addAddrSignalMax,
      add_addr_accepted_max: connection.addAddrAcceptedMax,
    }),
    ...connection.fallback && { fallback: "" },
    ...connection.remoteKeyReceived && { remote_key: "" },
    token: connection.token.toString(16),
  };
}

const LETTERS = [
  ...["mcap-rem M", "mcap-loc m", "join-rem J", "join-loc j", "bkup-rem B"],
  ...["bkup-loc b", "fully-established e", "connected c", "mapvalid v"],
].map((pair) => pair.split(" ") as [string, string]);

/** What `ss` prints of a subflow. */
export function subflowAsSs(token: number, subflow: Subflow): SsSocket {
  const { flags, rttUs = 0, rttVarUs = 0, minRttUs = 0 } = subflow;
  const { unacked, lost, timerRetransmits, retransmits } = subflow;
  const ms = (us: number) => us / 1000;
  return {
    ...commonOf(subflow),
    flags: LETTERS.filter(([word]) => (flags as string[]).includes(word))
      .map(([, letter]) => letter).join(""),
    token: token === 0 ? "0000" : token.toString(16),
    localId: `${subflow.local.id}`,
    remoteId: `${subflow.remote.id}`,
    ...rttUs !== 0 && { rtt: `${ms(rttUs)}/${ms(rttVarUs)}` },
    ...withoutZeros({
      ...{ minrtt: ms(minRttUs), rto: ms(subflow.rtoUs!) },
      ...{ backoff: timerRetransmits === 0 ? 0 : subflow.backoff },
      ...{ mss: subflow.mss, pmtu: subflow.pathMtu },
      ...{ cwnd: subflow.congestionWindow, unacked, lost },
      bytes_sent: subflow.bytesSent,
      bytes_retrans: subflow.bytesRetransmitted,
      bytes_acked: subflow.bytesAcked,
      bytes_received: subflow.bytesReceived,
    }),
    ...retransmits !== 0 && { retransAll: `${retransmits}` },
  };
}

/** Fields of `ss` that {@linkcode subflowAsSs} does not have in this form. */
export function comparable(
  socket: SsSocket,
  like: SsSocket,
): Record<string, string> {
  const { retrans, ...fields } = socket;
  const all = retrans?.split("/")[1];
  return Object.fromEntries(
    Object.entries({ ...fields, ...all && { retransAll: all } })
      .filter(([key]) => key in like || PRINTED.has(key)),
  );
}

/** What is printed only where it is not 0: it must not be there then. */
const PRINTED = new Set([
  ...["subflows", "add_addr_signal", "add_addr_accepted", "subflows_max"],
  ...["add_addr_signal_max", "add_addr_accepted_max", "fallback", "remote_key"],
  ...["uid", "rtt", "bytes_sent", "bytes_retrans", "bytes_acked", "unacked"],
  ...["bytes_received", "lost", "retransAll", "minrtt"],
]);
