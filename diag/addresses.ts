import { decodeAttrs } from "../codec/attrs.ts";
import { DecodeError } from "../codec/decode_error.ts";
import { AF_INET6 } from "../codec/inet.ts";
import {
  ADDRESS_FLAGS,
  type AddressAttrs,
  type AddressFlag,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_SECONDARY,
  IFA_F_TENTATIVE,
  IFADDRMSG,
  type Ifaddrmsg,
  MESSAGES,
  SCOPES,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import type { Question } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import { addressText, flagsOf, isIp, openRouteClient } from "./rtnetlink.ts";

/** How far an address goes, in the words of `ip`. */
export type AddressScope = "global" | "site" | "link" | "host" | "nowhere";

/** An address of this host. */
export interface InterfaceAddress {
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** Length of its prefix in bits: 24 of `10.0.1.1/24`. */
  readonly prefixLength: number;
  /** The other end of a link that has one, if that is not the address itself. */
  readonly peer?: string;
  /** Index of the device that has it. */
  readonly ifIndex: number;
  /** Name of that device; absent: it has just gone. */
  readonly dev?: string;
  /** How far it goes; a number: this version has no word for it. */
  readonly scope: AddressScope | number;
  /**
   * Whether it is not known to be this host's alone (IPv6): it cannot be used
   * yet, unless it is `optimistic`.
   */
  readonly tentative: boolean;
  /** Whether another host has it, so that it stays tentative (IPv6). */
  readonly failed: boolean;
  /** Whether new connections should use another one. */
  readonly deprecated: boolean;
  /** Whether it is replaced now and then, for privacy (IPv6). */
  readonly temporary: boolean;
  /** All that the kernel says of it; `secondary` is `temporary` in IPv6. */
  readonly flags: readonly AddressFlag[];
  /** Flags that this version does not know; absent: none. */
  readonly unknownFlags?: number;
}

/** Decodes an address; `undefined`: it is no IP address. */
export function decodeAddress(
  bytes: Uint8Array,
): InterfaceAddress | undefined {
  const header = decodeStruct(IFADDRMSG, bytes);
  const { family, prefixlen, scope, index } = header;
  if (!isIp(family)) return undefined;
  const { local, address = local, flags = header.flags } = decodeAttrs(
    MESSAGES.newaddr.set,
    bytes,
    IFADDRMSG.length,
  );
  if (address === undefined) {
    throw new DecodeError("an address without its bytes", 0, ".address");
  }
  const peer = addressText(address, ".address");
  const own = local === undefined ? peer : addressText(local, ".local");
  const has = (flag: number) => (flags & flag) !== 0;
  const word = SCOPES[scope]?.name;
  return {
    address: own,
    prefixLength: prefixlen,
    ...peer !== own && { peer },
    ifIndex: index,
    scope: word === "universe" ? "global" : word ?? scope,
    tentative: has(IFA_F_TENTATIVE),
    failed: has(IFA_F_DADFAILED),
    deprecated: has(IFA_F_DEPRECATED),
    temporary: family === AF_INET6 && has(IFA_F_SECONDARY),
    ...flagsOf(ADDRESS_FLAGS, flags),
  };
}

const ADDRESSES: Question<Ifaddrmsg, AddressAttrs, InterfaceAddress> = {
  name: "getaddr",
  action: "list the addresses of this host",
  request: MESSAGES.getaddr,
  answer: MESSAGES.newaddr.type,
  decode: decodeAddress,
};

/** Lists the addresses of a namespace. */
export function listAddresses(namespace: Namespace): InterfaceAddress[] {
  using client = openRouteClient(namespace);
  const names = new DeviceNames(namespace);
  return client.collect(ADDRESSES, {}).map((address) => names.named(address));
}
