import { decodeAttrs } from "../codec/attrs.ts";
import {
  type AddressAttrs,
  IFADDRMSG,
  type Ifaddrmsg,
  MESSAGES,
  NETLINK_ROUTE,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import { type Question, QuestionClient } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";

/** An address of this host. */
export interface HostAddress {
  /** The 4 or 16 bytes in network order. */
  readonly bytes: Uint8Array;
  /** Index of the device that has it. */
  readonly ifIndex: number;
  /** Scope: 0 is global. */
  readonly scope: number;
}

/** The addresses of all devices of a namespace; needs no privilege. */
export function hostAddresses(namespace: Namespace): HostAddress[] {
  using client = new QuestionClient(namespace.open(NETLINK_ROUTE));
  return client.collect(ADDRESSES, {});
}

const ADDRESSES: Question<Ifaddrmsg, AddressAttrs, HostAddress> = {
  name: "getaddr",
  action: "list the addresses of this host",
  request: MESSAGES.getaddr,
  answer: MESSAGES.newaddr.type,
  decode(payload) {
    const { index, scope } = decodeStruct(IFADDRMSG, payload);
    const { set } = MESSAGES.newaddr;
    const { local, address } = decodeAttrs(set, payload, IFADDRMSG.length);
    // With a peer, `address` is that of the peer.
    const bytes = local ?? address;
    return bytes && { bytes, ifIndex: index, scope };
  },
};
