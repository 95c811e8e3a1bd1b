import { decodeAttrs } from "../codec/attrs.ts";
import { readU32 } from "../codec/bytes.ts";
import {
  encodeNlHeader,
  NLM_F_REQUEST,
  type NlMessage,
} from "../codec/nlmsghdr.ts";
import type { AttrSet } from "../codec/policy.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { NetlinkClient } from "../netlink/exchange.ts";
import type { Namespace } from "../netlink/transport.ts";

const NETLINK_ROUTE = 0;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
/** Length of `struct nlmsghdr` and `struct ifaddrmsg`. */
const REQUEST_LENGTH = 24;
const IFADDRMSG_LENGTH = 8;

interface IfaAttrs {
  /** With a peer, the address of the peer. */
  readonly address?: Uint8Array;
  /** The address of this host, where the other may be that of a peer. */
  readonly local?: Uint8Array;
}

const IFA: AttrSet<IfaAttrs> = {
  name: "addr-attrs",
  attrs: [
    undefined,
    { type: 1, name: "address", key: "address", kind: "binary" },
    { type: 2, name: "local", key: "local", kind: "binary" },
  ],
};

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
  using client = new RouteClient(namespace.open(NETLINK_ROUTE));
  return client.addresses();
}

/** Of `NETLINK_ROUTE`, the one request that hints need. */
class RouteClient extends NetlinkClient<"getaddr"> {
  addresses(): HostAddress[] {
    return this.collectOp("getaddr", {}, 65_536) as HostAddress[];
  }

  protected override encode(
    _op: string,
    _attrs: object,
    flags: number,
    seq: number,
  ): Uint8Array<ArrayBuffer> {
    // Zeros are all families and all devices.
    const bytes = new Uint8Array(REQUEST_LENGTH);
    const header = { type: RTM_GETADDR, flags: NLM_F_REQUEST | flags, seq };
    encodeNlHeader(bytes, REQUEST_LENGTH, { ...header, pid: 0 });
    return bytes;
  }

  protected override decode(
    _op: string,
    { type, payload }: NlMessage,
  ): HostAddress | undefined {
    if (type !== RTM_NEWADDR || payload.length < IFADDRMSG_LENGTH) return;
    const { local, address } = decodeAttrs(IFA, payload, IFADDRMSG_LENGTH);
    const bytes = local ?? address;
    // It is a view of what the next datagram overwrites.
    return bytes && {
      bytes: bytes.slice(),
      ifIndex: readU32(payload, 4),
      scope: payload[3]!,
    };
  }

  protected override action(): string {
    return "list the addresses of this host";
  }

  protected override refusal(
    op: string,
    _request: Uint8Array,
    errno: number,
  ): Error {
    return new NetlinkError({ op, action: this.action(), errno });
  }

  protected override warning(): void {}
}
