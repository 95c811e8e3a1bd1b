/**
 * Reads what the doctor looks at.
 *
 * @module
 */

import { NETLINK_ROUTE } from "../codec/rtnetlink.gen.ts";
import type { Connection } from "../diag/connection.ts";
import { Diag } from "../diag/diag.ts";
import { ArgumentTypeError } from "../codec/argument_error.ts";
import { connectionToken, tcpPort } from "../codec/arguments.ts";
import { SyscallError } from "../netlink/errors.ts";
import {
  type Namespace,
  type Netns,
  openNamespace,
} from "../netlink/transport.ts";
import { PathManager } from "../ops/path_manager.ts";
import { askRoutes } from "./ask_routes.ts";
import { relevantNeighbours, relevantRules } from "./relevant.ts";
import { demandConnection } from "./one_connection.ts";
import { type Place, probe, type Probed } from "./probe.ts";
import type { Reading, Snapshot, SocketTrial } from "./snapshot.ts";
import { pause } from "./time.ts";

/** What to read. */
export interface CollectOptions {
  /**
   * The network namespace to look at: a name of `ip netns`, a path (any text
   * with a slash), or a process id.
   * @default {the one that this thread is in}
   */
  readonly netns?: Netns;
  /** An open namespace instead of `netns`, which is left open. */
  readonly namespace?: Namespace;
  /** The token of the only connection, 1 to 0xffffffff. @default {all} */
  readonly token?: number;
  /**
   * A place to connect to: then that connection is the only one to look at. A
   * carriage return is sent over it, which servers wait after for more, or skip;
   * from other addresses and devices of this host connections are made without
   * data. All are closed again. @default {none}
   */
  readonly target?: Place;
  /** Ends it early: the promise is rejected with the reason. */
  readonly signal?: AbortSignal;
}

/** Milliseconds between the readings where nothing is in flight. */
const CALM_MS = 1000;
/** And where something is: the second and third SYN come after 1 and 3 s. */
const FLIGHT_MS = 4000;
/** What has not been read when reading took so long is not read. */
const BUDGET_MS = 15_000;
const MOST = 1000;

/** Reads parts, each by itself: one that cannot be read hides no other. */
class Reader {
  readonly unknown: Record<string, string> = {};
  #spentMs = 0;

  read<Name extends string, T>(
    name: Name,
    read: () => T | undefined,
  ): { readonly [_ in Name]?: T } {
    if (this.#spentMs > BUDGET_MS) {
      this.unknown[name] = "there was no time left for it";
      return {};
    }
    const start = performance.now();
    try {
      const value = read();
      if (value === undefined) throw new Error("it is not told here");
      // What failed before may be there now.
      delete this.unknown[name];
      return { [name]: value } as { readonly [_ in Name]?: T };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.unknown[name] = reasonOf(error);
      return {};
    } finally {
      this.#spentMs += performance.now() - start;
    }
  }
}

/** Why something could not be read, in one line. */
export function reasonOf({ message }: Error): string {
  return message.replaceAll(/\s*\n(hint: )?\s*/g, ": ");
}

/**
 * Reads everything that {@linkcode diagnose} looks at, twice, to tell what
 * passes from what stays: that takes one second, or four if something is in
 * flight; with a `target`, as long as its connections take, 16 seconds at the
 * most. Nothing is changed. What needs a privilege that is missing is named
 * in `unknown`, with the reason.
 *
 * @param options Where to look.
 * @throws {SyscallError} `ENOENT`: no such namespace; `EPERM`, `EACCES`: the
 * privilege to enter it is missing.
 * @throws {NotFoundError} There is no connection of the token.
 * @throws {RangeError} The token or the port of the target is out of its range.
 * @throws {TypeError} `token` and `target` are both given, or the target has no
 * host.
 *
 * @example Save it
 * ```ts
 * import { collect, snapshotJson } from "@mptcp/pm/doctor";
 *
 * await Deno.writeTextFile("host.json", snapshotJson(await collect()));
 * ```
 */
export async function collect(
  { netns, namespace: given, token, target, signal }: CollectOptions = {},
): Promise<Snapshot> {
  if (token !== undefined && target !== undefined) {
    throw new ArgumentTypeError("Contradicting options: token and target");
  }
  if (token !== undefined) connectionToken(token);
  if (target !== undefined) tcpPort("port", target.port);
  using opened = given === undefined ? openNamespace(netns) : undefined;
  const namespace = given ?? opened!;
  demandEntry(namespace);
  using diag = Diag.open({ namespace });
  const reader = new Reader();
  const start = performance.now();
  const earlier = readOnce(diag, reader, token);
  if (token !== undefined) demandConnection(earlier.reading, token);
  const probed = target && await probe(namespace, diag, target, {
    ...earlier.reading,
    ...readSetup(namespace, diag, reader),
  }, signal);
  const end = start + waitMs(earlier.reading, target);
  await pause(Math.max(0, end - performance.now()), signal);
  const later = readOnce(diag, reader, token);
  if (token !== undefined) demandConnection(later.reading, token);
  const durationMs = Math.round(performance.now() - start);
  const host = {
    version: 1 as const,
    takenAt: new Date().toISOString(),
    durationMs,
    ...token !== undefined && { token },
    earlier: earlier.reading,
    ...later.reading,
    most: MOST,
    more: later.more,
    ...readHost(namespace, diag, reader),
    ...probed !== undefined && ofTarget(probed, earlier.reading),
  };
  const snapshot = {
    ...host,
    ...reader.read("routes", () => askRoutes(diag, host)),
  };
  return {
    ...snapshot,
    ...reader.read("rules", () => relevantRules(diag.rules(), snapshot)),
    ...reader.read(
      "neighbours",
      () => relevantNeighbours(diag.neighbours(), snapshot),
    ),
    unknown: reader.unknown,
  };
}

/**
 * Demands that the namespace can be entered: else nothing is seen of it, for one
 * reason.
 *
 * @throws {SyscallError} It cannot.
 */
function demandEntry(namespace: Namespace): void {
  try {
    namespace.open(NETLINK_ROUTE).close();
  } catch (error) {
    if (error instanceof SyscallError && error.syscall === "setns") throw error;
  }
}

/** The connection to the target, and no other one. */
function ofTarget({ target, looks }: Probed, earlier: Reading) {
  const last = looks.slice(-1);
  return {
    target,
    earlier: { ...earlier, connections: looks.slice(0, 1) },
    connections: last,
    more: false,
    ...last[0] !== undefined && { token: last[0].token },
  };
}

interface Once {
  readonly reading: Reading;
  readonly more: boolean;
}

/** What can change by itself. */
function readOnce(
  diag: Diag,
  reader: Reader,
  token: number | undefined,
): Once {
  let more = false;
  const connections = (): Connection[] => {
    const filter = token === undefined ? {} : { token };
    const found = diag.connections(filter).take(MOST + 1).toArray();
    more = found.length > MOST;
    return found.slice(0, MOST);
  };
  const reading = {
    ...reader.read("counters", () => diag.counters()),
    ...reader.read("connections", connections),
    ...reader.read("links", () => diag.links()),
    ...reader.read("addresses", () => diag.addresses()),
  };
  return { reading, more };
}

/** What stays, unless somebody changes it. */
function readHost(namespace: Namespace, diag: Diag, reader: Reader) {
  const file = (path: string) => {
    const text = namespace.readFile(path);
    if (text === undefined) throw new Error(`${path} cannot be seen here`);
    return text;
  };
  return {
    ...reader.read(
      "uptimeSeconds",
      () => file("/proc/uptime").match(/^\d+/)?.map(Number)[0],
    ),
    ...reader.read("kernel", () => diag.kernelRelease()),
    ...reader.read(
      "distribution",
      () => file("/etc/os-release").match(/^PRETTY_NAME="?(.*?)"?$/m)?.[1],
    ),
    ...reader.read("protocols", () => protocols(file(PROTOCOLS))),
    ...reader.read("socket", () => trySocket(namespace)),
    ...readSetup(namespace, diag, reader),
    ...reader.read("eventListeners", () => diag.eventListeners()),
    ...reader.read("managers", () => diag.managers()),
    ...reader.read("listeners", () => diag.listeners().take(MOST).toArray()),
    ...reader.read(
      "withoutMptcp",
      () => diag.withoutMptcp().take(MOST).toArray(),
    ),
    ...reader.read("tcp", () => diag.tcp(MOST)),
    ...reader.read("reversePath", () => diag.reversePath()),
    ...reader.read("firewall", () => diag.firewall()),
  };
}

/** What the host is set to. */
function readSetup(namespace: Namespace, diag: Diag, reader: Reader) {
  using opened = new DisposableStack();
  const pm = () => opened.use(PathManager.open({ namespace }));
  return {
    ...reader.read("settings", () => diag.settings()),
    ...reader.read("limits", () => pm().getLimits()),
    ...reader.read("endpoints", () => [...pm().dumpAddrs()]),
  };
}

/** Opens a socket as programs do, and closes it. */
function trySocket(namespace: Namespace): SocketTrial {
  try {
    namespace.stream("127.0.0.1", true).close();
    return { opened: true };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return { opened: false, code: error.code };
  }
}

const PROTOCOLS = "/proc/thread-self/net/protocols";

/** Those of MPTCP that the kernel has. */
function protocols(table: string): string[] {
  return table.split("\n").map((line) => line.split(" ", 1)[0]!)
    .filter((name) => name.startsWith("MPTCP"));
}

/** From one reading to the other: until what is under way is over. */
function waitMs(
  { connections = [], addresses = [], counters = {} }: Reading,
  target: Place | undefined,
): number {
  if (addresses.some(({ tentative }) => tentative)) return FLIGHT_MS;
  // Connections of its own take the time that they need.
  if (target !== undefined) return 0;
  const isOpening = connections.some(({ subflows }) =>
    subflows.some(({ state }) => state === "syn-sent")
  );
  // Those who repeat their SYN for somebody else's sake are not seen here.
  const isDropping = (counters["IPReversePathFilter"] ?? 0) > 0;
  return isOpening || isDropping ? FLIGHT_MS : CALM_MS;
}
