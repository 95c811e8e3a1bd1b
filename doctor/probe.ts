/**
 * Connections of the doctor itself to one place, to see what becomes of them.
 *
 * @module
 */

import { isLinkLocal, parseAddress } from "../codec/inet.ts";
import { MptcpError } from "../codec/mptcp_error.ts";
import type { Connection } from "../diag/connection.ts";
import type { Diag } from "../diag/diag.ts";
import type { Namespace, Stream } from "../netlink/transport.ts";
import { Dialer, type Dialled } from "./dialer.ts";
import {
  isAddress,
  isFullyEstablished,
  missingPaths,
  type Parts,
  plain,
  usesOtherPathManager,
} from "./facts.ts";
import type { Target } from "./snapshot.ts";
import { inTime, pause } from "./time.ts";
import { waysOf } from "./ways.ts";

/** A place to connect to. */
export interface Place {
  /** Name or address of the host. */
  readonly host: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
}

/** What connections came to. */
export interface Probed {
  readonly target: Target;
  /** The one that was bound to nothing, as it was at first and in the end. */
  readonly looks: readonly Connection[];
}

/**
 * A carriage return: what data it takes for subflows to be opened. Almost every
 * server waits for more, TLS for a header and others for the end of the line, or
 * skips it, as HTTP does (RFC 9112, section 2.2).
 */
const DATA = Uint8Array.of(0x0d);

/** Without MPTCP sockets there is nothing to try on other ways. */
const FORBIDDEN: ReadonlySet<string | undefined> = new Set([
  ...["ENOPROTOOPT", "EPROTONOSUPPORT", "EPERM", "EACCES"],
]);

/** Milliseconds for looking up the name. */
const LOOKUP_MS = 4000;
/** For connections that are bound to nothing, on all addresses. */
const FIRST_MS = 5000;
/** For those that are bound, at the same time. */
const BOUND_MS = 4000;
/** How long subflows that are being opened are waited for. */
const OPENING_MS = 3000;
/** How long those that are missing are. */
const MISSING_MS = 1000;
/** And those to addresses that the peer may announce. */
const ANNOUNCED_MS = 200;
/** From one look at the connection to the next. */
const LOOK_MS = 20;

/**
 * Connects to a place: bound to nothing, as programs do, and sends a byte; then
 * from each address and device from which subflows start, or could. It takes no
 * longer than 12 seconds, and another 4 to look up a name.
 *
 * @param parts What is known of the host.
 * @throws {TypeError} The host is no address and no name.
 */
export async function probe(
  namespace: Namespace,
  diag: Diag,
  { host, port }: Place,
  parts: Parts,
  signal?: AbortSignal,
): Promise<Probed> {
  const { synRetransBeforeTcpFallback } = parts.settings ?? {};
  const world = { namespace, diag, synRetransBeforeTcpFallback, signal };
  using dialer = new Dialer(world);
  let addresses: readonly string[];
  try {
    addresses = await resolve(namespace, host, signal);
  } catch (error) {
    if (!(error instanceof MptcpError)) throw error;
    const failed = { host, port, error: error.message, attempts: [] };
    return { target: failed, looks: [] };
  }
  const unbound: Dialled[] = [];
  const end = performance.now() + FIRST_MS;
  for (const address of addresses) {
    const left = end - performance.now();
    if (left <= 0 || unbound.at(-1)?.stream !== undefined) break;
    unbound.push(...await dialer.dial({ address, port }, [{}], left));
  }
  const { attempt: { address, local, code }, stream } = unbound.at(-1)!;
  const to = { address, port };
  const looks = stream === undefined
    ? []
    : await joined(() => dialer.find(stream, to), stream, parts, signal);
  const ways = FORBIDDEN.has(code) || isLocal(address, parts)
    ? []
    : waysOf(diag, parts, address, local);
  const bound = await dialer.dial(to, ways, BOUND_MS);
  return {
    target: {
      ...{ host, port },
      attempts: [...unbound, ...bound].map(({ attempt }) => attempt),
    },
    looks,
  };
}

/** Whether it is this host itself, to which there is no other way. */
function isLocal(address: string, { addresses = [] }: Parts): boolean {
  return address.startsWith("127.") ||
    addresses.some((one) => one.address === plain(address));
}

async function resolve(
  namespace: Namespace,
  host: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const found = isAddress(host)
    ? [plain(parseAddress(host).text)]
    : await lookUp(namespace, host, signal);
  const reached = found.filter((address) => !isLinkLocal(address));
  if (reached.length > 0) return reached;
  throw new MptcpError(
    `Cannot look for a second path to ${host}: a link-local address is ` +
      "reached on one link only; use another address of that host",
  );
}

async function lookUp(
  namespace: Namespace,
  name: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const looking = namespace.resolve(name);
  const found = await inTime(looking, LOOKUP_MS, signal);
  if (found !== undefined && found.length > 0) return found;
  const reason = found === undefined
    ? `the name servers have not answered in ${LOOKUP_MS / 1000} s`
    : "this name has no address";
  throw new MptcpError(`Cannot look up "${name}": ${reason}`);
}

/** Sends something, and looks on until subflows are there, or do not come. */
async function joined(
  find: () => Connection | undefined,
  stream: Stream,
  parts: Parts,
  signal: AbortSignal | undefined,
): Promise<Connection[]> {
  stream.send(DATA);
  const start = performance.now();
  const looks: Connection[] = [];
  for (;;) {
    const found = find();
    if (found === undefined) return looks;
    looks.splice(1, 1, found);
    if (isOver(found, performance.now() - start, parts)) return looks;
    await pause(LOOK_MS, signal);
  }
}

/** Whether nothing more will come, as far as can be told. */
function isOver(connection: Connection, ms: number, parts: Parts): boolean {
  const { state, fallback, subflows } = connection;
  if (fallback || state !== "established" || ms >= OPENING_MS) return true;
  const isOpening = subflows.some(({ state }) => state === "syn-sent");
  if (isOpening || !isFullyEstablished(connection)) return false;
  const alone = { connections: [connection] };
  const isMissing = usesOtherPathManager(parts)
    ? subflows.length === 1
    : missingPaths({ ...parts, ...alone, earlier: alone }).length > 0;
  return ms >= (isMissing ? MISSING_MS : ANNOUNCED_MS);
}
