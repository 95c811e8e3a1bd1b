/**
 * The captured messages in tests/golden, by name.
 *
 * @module
 */
import type { EventName, OpName } from "../../codec/mptcp_pm.gen.ts";
import ipMptcp from "../golden/ip_mptcp.jsonl" with { type: "text" };
import mptcpPm from "../golden/mptcp_pm.jsonl" with { type: "text" };
import nftablesLines from "../golden/nftables.jsonl" with { type: "text" };
import rtnetlinkLines from "../golden/rtnetlink.jsonl" with { type: "text" };

/** The fields of a netlink header, as the independent program read them. */
interface DecodedHeader {
  readonly len: number;
  readonly type: number;
  readonly flags: number;
  readonly "flag-names": readonly (
    | "REQUEST"
    | "MULTI"
    | "ACK"
    | "DUMP"
    | "CAPPED"
    | "ACK_TLVS"
  )[];
  readonly seq: number;
  readonly pid: number;
}

/** Attributes by their kebab-case names. */
export type DecodedAttrs = Readonly<Record<string, unknown>>;

/** One message, as the independent program decoded it. */
export interface DecodedMessage {
  readonly nlmsghdr: DecodedHeader;
  readonly kind: "mptcp_pm" | "nlctrl" | "event" | "ack" | "error" | "done";
  /** Absent in acks, errors and the end of a dump. */
  readonly genlmsghdr?: { readonly cmd: number; readonly version: number };
  /** With `mptcp_pm`: the command, a number where it has no name. */
  readonly command?: OpName;
  /** With `event`. */
  readonly event?: EventName;
  /** With `mptcp_pm`, `nlctrl` and `event`. */
  readonly attrs?: DecodedAttrs;
  /** With `event`: the names in the order of the attributes. */
  readonly "attr-order"?: readonly string[];
  /** With `ack`, `error` and `done`: 0 or a negative errno. */
  readonly error?: number;
  /** With `ack`, `error` and `done`: the extended ack, if there is one. */
  readonly extack?: {
    readonly msg?: string;
    readonly offs?: number;
    readonly "policy-hex"?: string;
    readonly "miss-type"?: number;
  };
}

/** One captured message, or a datagram of several. */
export interface Golden {
  readonly name: string;
  readonly direction:
    | "request"
    | "response"
    | "response-datagram"
    | "event";
  /** The whole datagram, a copy of the caller's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The messages of the datagram: one unless it is a `response-datagram`. */
  readonly messages: readonly DecodedMessage[];
  /** The first message. */
  readonly decoded: DecodedMessage;
  /** What `ip` printed for the message; its JSON object if it was asked for. */
  readonly printed?: unknown;
}

/** Reads a file of tests/golden: a JSON value per line, the first its source. */
export function goldenLines<Line>(text: string): Line[] {
  return text.trimEnd().split("\n").slice(1).map((line) => JSON.parse(line));
}

type Line = Omit<Golden, "bytes" | "messages"> & {
  readonly hex: string;
  readonly decoded: { readonly messages?: readonly DecodedMessage[] };
};

const lines = new Map(
  [mptcpPm, ipMptcp].flatMap(goldenLines<Line>).map((
    line,
  ) => [line.name, line]),
);

/** The names that start with `prefix`, in the order of the capture. */
export function goldenNames(prefix = ""): string[] {
  return [...lines.keys()].filter((name) => name.startsWith(prefix));
}

/** One captured message by its name. */
export function golden(name: string): Golden {
  const line = lines.get(name);
  if (line === undefined) throw new RangeError(`No golden message "${name}"`);
  const { hex, ...rest } = line;
  const messages = line.decoded.messages ?? [line.decoded];
  return {
    ...rest,
    bytes: Uint8Array.fromHex(hex),
    messages,
    decoded: messages[0]!,
  };
}

/** All captured messages of one direction. */
export function goldenOf(direction: Golden["direction"]): Golden[] {
  return goldenNames().map(golden).filter((one) => one.direction === direction);
}

/**
 * Attributes as the codec names them: camel-case keys, without the note that
 * the independent program made of the `NLA_F_NESTED` flags.
 */
export function camelCased(attrs: DecodedAttrs): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attrs)
      .filter(([key]) => key !== "_nested-flag")
      .map(([key, value]) => [camelCase(key), deep(value)]),
  );
}

/** `"if-idx"` to `"ifIdx"`. */
export function camelCase(key: string): string {
  return key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function deep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deep);
  return typeof value === "object" ? camelCased(value as DecodedAttrs) : value;
}

/** A captured conversation with rtnetlink or nftables. */
export interface Conversation {
  readonly name: string;
  /** Absent: a member of a group got the datagrams. */
  readonly request?: string;
  readonly datagrams: readonly string[];
  /** What the independent program wrote of each message. */
  readonly decoded: readonly {
    readonly type: number;
    readonly header?: Readonly<Record<string, number>>;
    readonly attrs?: Readonly<Record<string, string | number>>;
    readonly error?: number;
  }[];
}

/** All captured conversations with rtnetlink. */
export const RTNETLINK: readonly Conversation[] = goldenLines(rtnetlinkLines);

/** All captured conversations with nftables. */
export const NFTABLES: readonly Conversation[] = goldenLines(nftablesLines);

/** One of them. */
export function conversation(name: string): Conversation {
  const found = [...RTNETLINK, ...NFTABLES].find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`No conversation "${name}"`);
  return found;
}
