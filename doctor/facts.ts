/**
 * What several checks ask of a snapshot.
 *
 * @module
 */

import { isLinkLocal, parseAddress } from "../codec/inet.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import type { Connection, Subflow } from "../diag/connection.ts";
import type { Link } from "../diag/links.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import type { Snapshot } from "./snapshot.ts";
import { reasonOf, UnreadError } from "./unread.ts";

/** What was read so far. */
export type Parts = Partial<Snapshot>;

/** Addresses that nobody has: routes to them lead to the Internet. */
export const OUTSIDE: readonly string[] = ["192.0.2.1", "2001:db8::1"];

/** A part of the snapshot, or an error that says why it is not there. */
export function part<Name extends keyof Snapshot>(
  snapshot: Snapshot,
  name: Name,
): NonNullable<Snapshot[Name]> {
  const value = snapshot[name];
  if (value !== undefined && value !== null) return value;
  throw new UnreadError(reasonOf(snapshot, name));
}

/** The words of a token. */
export function tokenText(token: number): string {
  return `0x${token.toString(16).padStart(8, "0")}`;
}

/** How a connection is called in a sentence. */
export function nameOf({ token, remote }: Connection): string {
  const host = remote.address.includes(":")
    ? `[${remote.address}]`
    : remote.address;
  return `connection ${tokenText(token)} to ${host}:${remote.port}`;
}

/** How connections are called: one by its name, several by their number. */
export function namesOf(connections: readonly Connection[]): string {
  const [first] = connections;
  return connections.length === 1
    ? `the ${nameOf(first!)}`
    : `${connections.length} connections`;
}

/** Which connections those are, if their number does not tell. */
export function listed(connections: readonly Connection[]): string[] {
  if (connections.length < 2) return [];
  const all = connections.slice(0, LISTED).map(nameOf);
  return connections.length > LISTED ? [...all, "and others"] : all;
}

/** So many examples are enough. */
const LISTED = 3;

/** Whether this host opened the connection. */
export function isInitiator({ subflows }: Connection): boolean {
  const first = subflows.find(({ initial }) => initial) ?? subflows[0];
  if (first === undefined) return false;
  return first.openedHere || isUnmarked(first);
}

/**
 * Whether neither end has MP_CAPABLE: only those who connect get there, if their
 * SYNs got lost until they went without it.
 */
export function isUnmarked({ initial, state, flags }: Subflow): boolean {
  return initial && state === "established" &&
    !flags.includes("mcap-loc") && !flags.includes("mcap-rem");
}

/** Whether the userspace path manager has the connection, as far as it shows. */
export function isUserspace(
  { subflowsMax, addAddrAcceptedMax, localAddrMax }: Connection,
  { limits }: Parts,
): boolean {
  const isUnlimited = subflowsMax === 0 && addAddrAcceptedMax === 0 &&
    (localAddrMax ?? 0) === 0;
  return isUnlimited && (limits?.subflows ?? 0) > 0;
}

/**
 * The connections of the in-kernel path manager that can get subflows: not those
 * within this host or one link.
 */
export function living(snapshot: Parts): Connection[] {
  return outward(snapshot).filter((connection) =>
    connection.state === "established" && !connection.fallback &&
    connection.subflows.length > 0 && !isUserspace(connection, snapshot) &&
    !isWithinLink(connection)
  );
}

/** Whether the peer has an address of `fe80::/10`, which one link has. */
export function isWithinLink({ remote }: Pick<Connection, "remote">): boolean {
  return isLinkLocal(remote.address);
}

/** The connections to other hosts. */
export function outward(snapshot: Parts): Connection[] {
  return (snapshot.connections ?? []).filter(isOutward(snapshot));
}

/** Whether a connection goes to another host. */
export function isOutward(
  { addresses }: Parts,
): (connection: Pick<Connection, "remote">) => boolean {
  const own = new Set(addresses?.map(({ address }) => address));
  return ({ remote }) => !own.has(plain(remote.address));
}

/** Those that gave MPTCP up, since their own SYNs with it got lost. */
export function gaveUp(snapshot: Parts): Connection[] {
  if (count(snapshot, "MPCapableSYNTXDrop") === 0) return [];
  return outward(snapshot).filter(({ fallback, subflows }) =>
    fallback && subflows.some(isUnmarked)
  );
}

/** Those that this host opened and that have no second subflow. */
export function lonely(snapshot: Parts): Connection[] {
  return living(snapshot).filter(isInitiator)
    .filter(({ subflows }) => subflows.length === 1);
}

/** Whether the connection has as many subflows as the limit allows. */
export function isFull({ extraSubflows, subflowsMax }: Connection): boolean {
  return extraSubflows !== undefined && subflowsMax !== undefined &&
    extraSubflows >= subflowsMax;
}

/** Whether data went both ways: before that no subflow is opened. */
export function isFullyEstablished({ subflows }: Connection): boolean {
  return subflows.some(({ initial, flags }) =>
    !initial || flags.includes("fully-established")
  );
}

/** Another path manager is in use, which does without endpoints and limits. */
export function usesOtherPathManager({ settings }: Parts): boolean {
  const { pathManager, pmType } = settings ?? {};
  return pathManager === undefined ? pmType === 1 : pathManager !== "kernel";
}

/** Whether the endpoint opens subflows. */
export function opens({ flags }: Endpoint): boolean {
  return flags.some((flag) => flag === "subflow" || flag === "fullmesh") &&
    !flags.includes("implicit");
}

/** Whether somebody added the endpoint: the others come and go by themselves. */
export function isAdded({ flags }: Endpoint): boolean {
  return !flags.includes("implicit");
}

/** Whether there is a word for each flag: others may open subflows, too. */
export function isKnown({ flags }: Endpoint): boolean {
  return !flags.some((flag) => flag.startsWith("0x"));
}

/** The endpoints that open subflows. */
export function pathEndpoints({ endpoints }: Parts): Endpoint[] {
  return (endpoints ?? []).filter(opens);
}

/** An address without the prefix of an IPv4-mapped one. */
export function plain(address: string): string {
  return address.replace(/^::ffff:(?=.*\.)/i, "");
}

/** Whether a text is an address, and not a name. */
export function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}

export function isIPv6(address: string): boolean {
  return plain(address).includes(":");
}

/** Whether a connection was there in the earlier reading, too, and like that. */
export function wasSo(
  { token }: Connection,
  { earlier }: Parts,
  isSo: (before: Connection) => boolean = () => true,
): boolean {
  const before = earlier?.connections?.find((one) => one.token === token);
  return before !== undefined && isSo(before);
}

/** A subflow that a connection could have and has not. */
export interface MissingPath {
  readonly connection: Connection;
  readonly endpoint: Endpoint;
}

/**
 * The subflows that endpoints could open on the connections that this host
 * opened, where none is, not even one that is being opened, and none was
 * established before.
 */
export function missingPaths(snapshot: Parts): MissingPath[] {
  const endpoints = pathEndpoints(snapshot);
  return living(snapshot).filter(isInitiator).filter(isFullyEstablished)
    .flatMap((connection) =>
      endpoints.filter((endpoint) =>
        fits(endpoint, connection) && lacks(connection, endpoint) &&
        wasSo(connection, snapshot, (before) => !joined(before, endpoint))
      ).map((endpoint) => ({ connection, endpoint }))
    );
}

function lacks({ subflows }: Connection, { address }: Endpoint): boolean {
  return subflows.every(({ local }) => plain(local.address) !== plain(address));
}

/** Whether some connection has a subflow from the endpoint. */
export function works(endpoint: Endpoint, snapshot: Parts): boolean {
  return living(snapshot).some((connection) => joined(connection, endpoint));
}

function joined({ subflows }: Connection, { address }: Endpoint): boolean {
  return subflows.some(({ initial, local, state }) =>
    !initial && state === "established" &&
    plain(local.address) === plain(address)
  );
}

/** Whether the connection can have a subflow from the address. */
export function fits({ address }: Endpoint, connection: Connection): boolean {
  return isIPv6(address) === isIPv6(connection.remote.address) &&
    plain(address) !== plain(connection.local.address);
}

/** An address from which other hosts may be reached. */
export type Uplink = InterfaceAddress & Required<Pick<Link, "dev">>;

/**
 * The addresses from which other hosts may be reached, one for each device.
 *
 * @param isWanted Which addresses.
 */
export function uplinks(
  { addresses = [], links = [] }: Parts,
  isWanted: (address: string) => boolean = () => true,
): Uplink[] {
  return links.filter(({ usable }) => usable).flatMap(({ ifIndex, dev }) => {
    const own = addresses.find((one) =>
      one.ifIndex === ifIndex && isWanted(one.address) &&
      one.scope === "global" && !one.tentative && !one.failed
    );
    return own === undefined ? [] : [{ ...own, dev }];
  });
}

/** The device of an endpoint; absent: none has the index, or it names none. */
export function linkOf(
  { ifIndex }: { readonly ifIndex: number },
  { links = [] }: Parts,
): Link | undefined {
  return links.find((link) => link.ifIndex === ifIndex);
}

/** A counter, 0 where the kernel does not have it. */
export function count({ counters }: Parts, ...names: string[]): number {
  return names.reduce((sum, name) => sum + (counters?.[name] ?? 0), 0);
}

/** By how much counters grew while the doctor looked, or a fault was made. */
export function moved(snapshot: Parts, ...names: string[]): number {
  const first = snapshot.before ?? snapshot.earlier;
  if (first?.counters === undefined) return 0;
  return count(snapshot, ...names) - count(first as Parts, ...names);
}

/** What counters say, such as `MPJoinSynTx 3 since boot (5 days), 1 meanwhile`. */
export function counterText(snapshot: Parts, ...names: string[]): string[] {
  const { uptimeSeconds } = snapshot;
  const age = Number.isFinite(uptimeSeconds)
    ? ` (${spanText(uptimeSeconds!)})`
    : "";
  return names.filter((name) => count(snapshot, name) > 0).map((name) => {
    const meanwhile = moved(snapshot, name);
    return `${name} ${count(snapshot, name)} since boot${age}` +
      (meanwhile > 0 ? `, ${meanwhile} meanwhile` : "");
  });
}

/** A time that is over, rounded down: `90 min`, `47 h`, `5 days`. */
function spanText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/** How a device is called: by its index, if it has just gone. */
export function deviceText(
  { dev, ifIndex }: { readonly dev?: string; readonly ifIndex: number },
): string {
  return dev ?? `if${ifIndex}`;
}

/** How an endpoint is called: as `mptcp endpoint show` prints it. */
export function endpointText(endpoint: Endpoint): string {
  const { address, id, flags, ifIndex } = endpoint;
  const device = ifIndex === 0 ? [] : ["dev", deviceText(endpoint)];
  return [address, "id", id, ...flags, ...device].join(" ");
}

/** The key under which findings of an endpoint belong together. */
export function aboutEndpoint({ id }: Endpoint): string {
  return `endpoint ${id}`;
}

/** Whether two addresses are in one network. */
export function isSameNetwork(
  one: string,
  other: string,
  length: number,
): boolean {
  const [a, b] = [one, other].map((text) => parseAddress(plain(text)).bytes);
  if (a!.length !== b!.length) return false;
  return a!.every((byte, at) => {
    const bits = Math.max(0, Math.min(8, length - 8 * at));
    return ((byte ^ b![at]!) & (0xff00 >> bits) & 0xff) === 0;
  });
}
