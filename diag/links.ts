import { decodeAttrs } from "../codec/attrs.ts";
import {
  IFF_LOOPBACK,
  IFF_RUNNING,
  IFF_UP,
  IFINFOMSG,
  type Ifinfomsg,
  LINK_FLAGS,
  LINK_STATES,
  type LinkAttrs,
  type LinkFlag,
  type LinkState,
  MESSAGES,
} from "../codec/rtnetlink.gen.ts";
import { decodeStruct } from "../codec/struct.ts";
import type { Question } from "../netlink/questions.ts";
import type { Namespace } from "../netlink/transport.ts";
import { flagsOf, openRouteClient } from "./rtnetlink.ts";

/** A network device. */
export interface Link {
  /** Its index: another one once it was made again. */
  readonly ifIndex: number;
  /** Its name. */
  readonly dev: string;
  /**
   * Whether it can carry packets to other hosts: it is up, runs (it has a
   * carrier, or its driver does not say), and is no loopback.
   */
  readonly usable: boolean;
  /** All that the kernel says of it. */
  readonly flags: readonly LinkFlag[];
  /** Flags that this version does not know; absent: none. */
  readonly unknownFlags?: number;
  /** Operational state; a number: this version has no word for it. */
  readonly state: LinkState | number;
  /** Whether it has a carrier; only a link that is up says so. */
  readonly carrier?: boolean;
  /** MTU in bytes. */
  readonly mtu?: number;
}

/** Without the statistics, which are most of an answer. */
const SKIP_STATS = 8;

/** Decodes a link. */
export function decodeLink(bytes: Uint8Array): Link {
  const { index, flags } = decodeStruct(IFINFOMSG, bytes);
  const { ifname, operstate = 0, carrier, mtu } = decodeAttrs(
    MESSAGES.newlink.set,
    bytes,
    IFINFOMSG.length,
  );
  const runs = IFF_UP | IFF_RUNNING;
  return {
    ifIndex: index,
    dev: ifname ?? `if${index}`,
    usable: (flags & (runs | IFF_LOOPBACK)) === runs,
    ...flagsOf(LINK_FLAGS, flags),
    state: LINK_STATES[operstate]?.name ?? operstate,
    ...carrier !== undefined && (flags & IFF_UP) !== 0 &&
      { carrier: carrier !== 0 },
    ...mtu !== undefined && { mtu },
  };
}

const LINKS: Question<Ifinfomsg, LinkAttrs, Link> = {
  name: "getlink",
  action: "list the links",
  request: MESSAGES.getlink,
  answer: MESSAGES.newlink.type,
  decode: decodeLink,
};

/** Lists the links of a namespace. */
export function listLinks(namespace: Namespace): Link[] {
  using client = openRouteClient(namespace);
  return client.collect(LINKS, {}, { extMask: SKIP_STATS });
}
