/**
 * The network that both kernels are in: what the sockets of the running one
 * meet, and what the fake is told of it. Only errors of sockets that commands
 * can come upon here are modelled: of addresses, devices, ports and routes.
 *
 * @module
 */

import type { SubflowAddress } from "../../mod.ts";
import type { FakeRoute, FakeSubflow } from "../../testing/fake_connection.ts";
import { HERE, PEER } from "./connections.ts";

const ENODEV = 19;
const EINVAL = 22;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;
const ENETUNREACH = 101;
const ECONNREFUSED = 111;

/** Indexes of loopback, and of the devices of paths 1 and 2. */
export const DEVICES: readonly number[] = [1, 11, 12];

/** A port of the peer where nobody answers. */
export const SILENT_PORT = 2;

/** Ids that the peer gives to its addresses. */
export const PEER_IDS: readonly number[] = [11, 12, 21, 22];

/** Addresses that sockets can listen on though no device has them. */
const ANY_OR_MANY = /^(0\.0\.0\.0|2(2[4-9]|3\d)\..*|(255\.){3}255|ff..:.*)$/;

const unmapped = ({ address }: { readonly address: string }) =>
  address.replace("::ffff:", "");

/** Whether one of some sockets has a port. */
function isBound(
  local: SubflowAddress,
  sockets: readonly SubflowAddress[],
): boolean {
  const includes = (one: string, other: string) =>
    one === other || one === "::" || one === "0.0.0.0" && !other.includes(":");
  const address = unmapped(local);
  return local.port !== 0 && sockets.some((socket) => {
    const other = unmapped(socket);
    return socket.port === local.port &&
      (includes(address, other) || includes(other, address));
  });
}

/** With what error a socket cannot listen; 0: it can. */
export function listen(
  local: SubflowAddress,
  sockets: readonly SubflowAddress[],
): number {
  const address = unmapped(local);
  if (/^fe[89ab].:/.test(address)) return EINVAL;
  const isHere = HERE.includes(address) || /^(::1?|127\..*)$/.test(address) ||
    ANY_OR_MANY.test(address);
  if (!isHere) return EADDRNOTAVAIL;
  return isBound(local, sockets) ? EADDRINUSE : 0;
}

/** What becomes of a subflow. */
export function route(
  { local, remote, ifIndex }: FakeSubflow,
  connection: {
    /** The initial end on the peer, and where it takes subflows. */
    readonly peer: SubflowAddress;
    readonly peerPort: number | undefined;
  },
  sockets: readonly SubflowAddress[],
): FakeRoute {
  const isLost = ifIndex !== 0 && !DEVICES.includes(ifIndex);
  // IPv6 looks for the device first.
  if (isLost && local.address.includes(":")) return { error: ENODEV };
  if (!HERE.includes(unmapped(local))) return { error: EADDRNOTAVAIL };
  if (isBound(local, sockets)) return { error: EADDRINUSE };
  if (isLost) return { error: ENODEV };
  const peer = unmapped(remote);
  if (![...HERE, ...PEER].includes(peer)) return { error: ENETUNREACH };
  if (PEER.includes(peer) && remote.port === SILENT_PORT) {
    const isInitial = peer === unmapped(connection.peer);
    return {
      silent: true,
      remId: isInitial ? 0 : PEER_IDS[PEER.indexOf(peer)]!,
    };
  }
  const isAccepted = PEER.includes(peer) &&
    remote.port === connection.peerPort;
  if (!isAccepted) return { refusal: ECONNREFUSED };
  const isInitial = peer === unmapped(connection.peer);
  return { remId: isInitial ? 0 : PEER_IDS[PEER.indexOf(peer)]! };
}
