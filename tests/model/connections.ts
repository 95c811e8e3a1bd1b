/**
 * The connections that commands are for, one of each kind.
 *
 * @module
 */

import type { PathManager, SubflowAddress } from "../../mod.ts";
import type { FakeConnectOptions } from "../../testing/fake_connection.ts";
import type { Lab } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";

const TIMEOUT_MS = 60_000;

/** An IPv4 address as IPv6 sockets have it. */
export const mapped = (address: string): string => `::ffff:${address}`;

/** Addresses of this host, on two paths. */
export const HERE: readonly string[] = [
  "10.77.1.1",
  "10.77.2.1",
  "fd77:1::1",
  "fd77:2::1",
];
/** Addresses of its peer. */
export const PEER: readonly string[] = [
  "10.77.1.2",
  "10.77.2.2",
  "fd77:1::2",
  "fd77:2::2",
];

/** How to make a connection. */
interface Kind extends FakeConnectOptions {
  readonly name: string;
  /** Addresses of the initial subflow. */
  readonly here: string;
  readonly peer: string;
  /** Where the host that accepts it listens. */
  readonly listen: string;
}

/** The kinds of connections that differ for commands. */
export const KINDS: readonly Kind[] = [
  { name: "IPv4", here: HERE[0]!, peer: PEER[0]!, listen: "0.0.0.0" },
  { name: "IPv6", here: HERE[2]!, peer: PEER[2]!, listen: "::" },
  {
    name: "IPv4 of an IPv6 socket",
    here: mapped(HERE[0]!),
    peer: mapped(PEER[0]!),
    listen: "::",
  },
  {
    name: "accepted by an IPv6 socket",
    here: HERE[0]!,
    peer: PEER[0]!,
    listen: "::",
    serverSide: true,
  },
  {
    name: "not yet established",
    here: HERE[0]!,
    peer: PEER[0]!,
    listen: "0.0.0.0",
    established: false,
  },
  {
    // Nor is this, and no command is about its address: the kernel would make
    // subflows by the endpoints that there are.
    name: "in-kernel",
    here: "10.77.3.1",
    peer: "10.77.3.2",
    listen: "0.0.0.0",
    established: false,
    pathManager: "kernel",
  },
];

/** How many kinds commands can manage. */
export const MANAGED = 4;
/** The place of the kind that is not yet established. */
export const EARLY = 4;
/** The place of the kind that the kernel manages. */
export const IN_KERNEL = 5;

/** A connection between this host and its peer. */
export class RealConnection implements Disposable {
  readonly #listener: MptcpSocket;
  readonly #here: MptcpSocket;
  readonly #peer: MptcpSocket;
  readonly token: number;
  /** Where the peer takes subflows; absent: nowhere. */
  readonly peerPort: number | undefined;
  readonly ends: {
    readonly local: SubflowAddress;
    readonly remote: SubflowAddress;
  };

  private constructor(kind: Kind, { client, server }: Lab) {
    const { here, peer, listen, serverSide = false } = kind;
    const [connecting, accepting] = serverSide
      ? [server.netns, client.netns]
      : [client.netns, server.netns];
    using stack = new DisposableStack();
    const at = { address: listen, port: 0 };
    this.#listener = stack.use(MptcpSocket.listen(accepting, at));
    const { port } = this.#listener.local;
    const [from, to] = serverSide ? [peer, here] : [here, peer];
    const connect = () =>
      MptcpSocket.connect(connecting, from, { address: to, port }, TIMEOUT_MS);
    const one = stack.use(connect());
    const other = stack.use(this.#listener.accept(TIMEOUT_MS));
    [this.#here, this.#peer] = serverSide ? [other, one] : [one, other];
    this.token = this.#here.token;
    this.peerPort = serverSide ? undefined : port;
    const { local, remote } = this.#here;
    this.ends = { local, remote };
    stack.move();
  }

  /** Makes it, managed as its kind says. */
  static open(kind: Kind, lab: Lab, pm: PathManager): RealConnection {
    using _mode = pm.setMode(kind.pathManager ?? "userspace");
    const connection = new RealConnection(kind, lab);
    if (kind.established !== false) connection.establish();
    return connection;
  }

  /** Gets data acknowledged, in both directions. */
  establish(): void {
    for (
      const [from, to] of [[this.#here, this.#peer], [this.#peer, this.#here]]
    ) {
      from!.send(1000);
      const end = performance.now() + TIMEOUT_MS;
      for (let left = 1000; left > 0; left -= to!.receive()) {
        if (performance.now() > end) throw new Error("Nothing is received");
      }
    }
  }

  /** The subflows as the socket shows them. */
  subflows(): { local: SubflowAddress; remote: SubflowAddress }[] {
    return this.#here.subflows().map(({ local, remote }) => ({
      ...{ local, remote },
    }));
  }

  [Symbol.dispose](): void {
    this.#here.close();
    this.#peer.close();
    this.#listener.close();
  }
}
