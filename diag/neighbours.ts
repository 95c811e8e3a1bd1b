import { decodeAttrs } from "../codec/attrs.ts";
import {
  MESSAGES,
  NDMSG,
  type Ndmsg,
  NEIGHBOUR_STATES,
  type NeighbourAttrs,
  type NeighbourState,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import type { Question } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import { addressText, flagsOf, isIp, openRouteClient } from "./rtnetlink.ts";

/** Another host on a link, or one that was asked for there. */
export interface Neighbour {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** Index of the device that it is on. */
  readonly ifIndex: number;
  /** Name of that device; absent: it has just gone. */
  readonly dev?: string;
  /** Its state, one word most often; empty: none yet. */
  readonly state: readonly NeighbourState[];
  /** Bits of the state that this version does not know; absent: none. */
  readonly unknownState?: number;
}

/** Decodes a neighbour; `undefined`: it has no IP address. */
export function decodeNeighbour(bytes: Uint8Array): Neighbour | undefined {
  const { family, index, state } = decodeStruct(NDMSG, bytes);
  if (!isIp(family)) return undefined;
  const { dst } = decodeAttrs(MESSAGES.newneigh.set, bytes, NDMSG.length);
  if (dst === undefined) return undefined;
  const { flags, unknownFlags } = flagsOf(NEIGHBOUR_STATES, state);
  return {
    address: addressText(dst, ".dst"),
    ifIndex: index,
    state: flags,
    ...unknownFlags !== undefined && { unknownState: unknownFlags },
  };
}

const NEIGHBOURS: Question<Ndmsg, NeighbourAttrs, Neighbour> = {
  name: "getneigh",
  action: "list the neighbours",
  request: MESSAGES.getneigh,
  answer: MESSAGES.newneigh.type,
  decode: decodeNeighbour,
};

/** Lists the neighbours of a namespace. */
export function listNeighbours(namespace: Namespace): Neighbour[] {
  using client = openRouteClient(namespace);
  const names = new DeviceNames(namespace);
  return client.collect(NEIGHBOURS, {}).map((one) => names.named(one));
}
