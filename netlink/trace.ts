/**
 * Shows what passes between this library and the kernel.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import { errnoName } from "../codec/errno.ts";
import { DecodeError } from "../codec/decode_error.ts";
import { decodeAck, nameAttribute } from "../codec/extack.ts";
import { GENL_HDRLEN } from "../codec/genlmsghdr.ts";
import { EVENTS, MPTCP_PM_NAME, OPS } from "../codec/mptcp_pm.gen.ts";
import { CTRL_ATTR, GENL_ID_CTRL } from "../codec/nlctrl.ts";
import {
  decodeNlMessages,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_MULTI,
  type NlMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../codec/nlmsghdr.ts";
import type { AttrSet, EventPolicy, OpPolicy } from "../codec/policy.ts";
import { ForwardingNamespace, ForwardingTransport } from "./forwarding.ts";
import { NETLINK_GENERIC } from "./genl.ts";
import type { Namespace, Subscription, Transport } from "./transport.ts";

/**
 * A namespace that does what another one does, and shows each message that
 * passes: one line each, with the direction, the family and the command, the
 * sequence number, and the attributes as JSON. What is not known is shown in
 * hexadecimal.
 *
 * @param namespace Where messages pass.
 * @param write Takes each line, without its end.
 *
 * @example Show all that one command sends and receives
 * ```ts
 * import { openNamespace, PathManager, traced } from "@mptcp/pm";
 *
 * using namespace = traced(openNamespace(), console.error);
 * using pm = PathManager.open({ namespace });
 * pm.getLimits();
 * // …
 * // -> mptcp_pm get-limits seq=2 {}
 * // <- mptcp_pm get-limits seq=2 {"rcvAddAddrs":0,"subflows":2}
 * ```
 */
export function traced(
  namespace: Namespace,
  write: (line: string) => void,
): Namespace {
  return new TracedNamespace(namespace, write);
}

type Write = (line: string) => void;

/** The sets of a family's commands and events, by their numbers. */
interface Tables {
  readonly name: string;
  readonly ops: readonly OpPolicy[];
  readonly events: readonly EventPolicy[];
}

const CTRL_OPS = [[1, "newfamily"], [3, "getfamily"]] as const;

const NLCTRL: Tables = {
  name: "nlctrl",
  ops: CTRL_OPS.map(([cmd, name]) => ({
    ...{ name, cmd, set: CTRL_ATTR, admin: false, since: "2.6.15" },
  })),
  events: [],
};

const KNOWN: readonly Tables[] = [{
  name: MPTCP_PM_NAME,
  ops: Object.values(OPS),
  events: Object.values(EVENTS),
}];

class TracedNamespace extends ForwardingNamespace {
  readonly #write: Write;
  /** The families by their numbers, from the answers of nlctrl. */
  readonly #families = new Map([[GENL_ID_CTRL as number, NLCTRL]]);

  constructor(to: Namespace, write: Write) {
    super(to);
    this.#write = write;
  }

  override open(protocol: number): Transport {
    return new TracedTransport(
      super.open(protocol),
      protocol,
      this.#families,
      this.#write,
    );
  }

  override subscribe(
    protocol: number,
    groups: readonly number[],
  ): Subscription {
    const subscription = super.subscribe(protocol, groups);
    const receive = () => {
      const datagram = subscription.receive();
      for (const message of messagesOf(datagram)) {
        this.#write(`<- ${line(message, this.#families, protocol, "events")}`);
      }
      return datagram;
    };
    return {
      receive,
      readable: () => subscription.readable(),
      close: () => subscription.close(),
      [Symbol.dispose]: () => subscription.close(),
    };
  }
}

class TracedTransport extends ForwardingTransport {
  readonly #protocol: number;
  readonly #families: Map<number, Tables>;
  readonly #write: Write;
  /** The last request, and the set of its attributes. */
  #request: Uint8Array = new Uint8Array(0);
  #set: AttrSet | undefined;

  constructor(
    to: Transport,
    protocol: number,
    families: Map<number, Tables>,
    write: Write,
  ) {
    super(to);
    this.#protocol = protocol;
    this.#families = families;
    this.#write = write;
  }

  override send(datagram: Uint8Array<ArrayBuffer>): void {
    this.#request = datagram.slice();
    for (const message of messagesOf(this.#request)) {
      this.#set = policyOf(message, this.#families, "ops")?.set;
      this.#write(`-> ${this.#line(message)}`);
    }
    super.send(datagram);
  }

  override receive(): Uint8Array | undefined {
    const datagram = super.receive();
    for (const message of messagesOf(datagram)) {
      this.#learn(message);
      this.#write(`<- ${this.#end(message) ?? this.#line(message)}`);
    }
    return datagram;
  }

  #line(message: NlMessage): string {
    return line(message, this.#families, this.#protocol, "ops");
  }

  /** Takes the number of a family from the answer of nlctrl. */
  #learn({ type, payload }: NlMessage): void {
    if (this.#protocol !== NETLINK_GENERIC || type !== GENL_ID_CTRL) return;
    const { id, name } = decodeAttrs(CTRL_ATTR, payload, GENL_HDRLEN);
    const family = KNOWN.find((family) => family.name === name);
    if (id !== undefined && family !== undefined) {
      this.#families.set(id, family);
    }
  }

  /** What a message says that ends an exchange. */
  #end(message: NlMessage): string | undefined {
    if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) return;
    const { errno, extack = {} } = decodeAck(message);
    const word = message.type === NLMSG_DONE ? "done" : "ack";
    const { attribute, missing } = this.#set === undefined
      ? extack
      : nameAttribute(extack, {
        bytes: this.#request,
        headerLength: NLMSG_HDRLEN + GENL_HDRLEN,
        set: this.#set,
      });
    return [
      errno === 0 ? word : `error ${errnoName(errno)}`,
      `seq=${message.seq}`,
      extack.message && JSON.stringify(extack.message),
      attribute && `${missing === undefined ? "at" : "without"} ${attribute}`,
    ].filter((part) => part !== undefined).join(" ");
  }
}

function messagesOf(datagram: Uint8Array | undefined): NlMessage[] {
  return datagram === undefined ? [] : decodeNlMessages(datagram);
}

function policyOf(
  { type, payload }: NlMessage,
  families: ReadonlyMap<number, Tables>,
  kind: "ops" | "events",
): OpPolicy | EventPolicy | undefined {
  const tables: readonly (OpPolicy | EventPolicy)[] =
    families.get(type)?.[kind] ?? [];
  return tables.find(({ cmd }) => cmd === payload[0]);
}

/** The family, the command and the attributes of a message. */
function line(
  message: NlMessage,
  families: ReadonlyMap<number, Tables>,
  protocol: number,
  kind: "ops" | "events",
): string {
  const { type, flags, seq, payload } = message;
  const policy = protocol === NETLINK_GENERIC
    ? policyOf(message, families, kind)
    : undefined;
  const bits = [
    ...(flags & NLM_F_DUMP) === NLM_F_DUMP
      ? ["dump"]
      : flags & NLM_F_ACK
      ? ["ack"]
      : [],
    ...flags & NLM_F_MULTI ? ["multi"] : [],
  ].join(",");
  const name = policy === undefined
    ? `protocol=${protocol} type=${type}`
    : `${families.get(type)!.name} ${policy.name}`;
  const what = policy === undefined
    ? payload.toHex()
    : attrsOf(policy.set, payload);
  return `${name} seq=${seq}${bits === "" ? "" : ` ${bits}`} ${what}`;
}

/** A trace shows what cannot be decoded, too. */
function attrsOf(set: AttrSet, payload: Uint8Array): string {
  try {
    return JSON.stringify(decodeAttrs(set, payload, GENL_HDRLEN), readable);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return payload.toHex();
  }
}

/** Values that JSON does not have. */
function readable(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? value.toHex() : value;
}
