/**
 * The shape of the tables that the generator writes and that
 * {@linkcode encodeAttrs} and {@linkcode decodeAttrs} walk.
 *
 * @module
 */

/**
 * How an attribute's payload is laid out. Integers are in host byte order
 * unless the policy says `bigEndian`. `ipv4` (4 bytes) and `ipv6` (16 bytes)
 * are addresses in network order, shown as text. An `array` is a nest whose
 * entries, numbered from 1, are nests of one set.
 */
export type AttrKind =
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s8"
  | "s16"
  | "s32"
  | "s64"
  | "ipv4"
  | "ipv6"
  | "binary"
  | "string"
  | "flag"
  | "nest"
  | "array"
  | "pad";

/** One attribute: its number, its names and its layout. */
export interface AttrPolicy {
  /** Number on the wire (`nla_type` without its two flag bits). */
  readonly type: number;
  /** Name in the specification, in kebab case: `"if-idx"`. */
  readonly name: string;
  /** Name in the TypeScript interface, in camel case: `"ifIdx"`. */
  readonly key: string;
  /** Layout of the payload. */
  readonly kind: AttrKind;
  /** Set for integers that travel in network byte order. */
  readonly bigEndian?: true;
  /** The set of the attributes inside, for the kinds `nest` and `array`. */
  readonly nested?: AttrSet;
}

/**
 * What can be written where `Values` is read: a text also as its bytes, such as
 * those of an address that was parsed already.
 */
export type AttrInput<Values> = Values extends string ? Values | Uint8Array
  : Values extends number | bigint | boolean | Uint8Array | undefined ? Values
  : Values extends readonly (infer Entry)[] ? readonly AttrInput<Entry>[]
  : { readonly [Key in keyof Values]: AttrInput<Values[Key]> };

/**
 * A set of attributes, each at the index of its number. `Values` is the type of
 * what {@linkcode decodeAttrs} returns, `Input` of what
 * {@linkcode encodeAttrs} takes.
 */
export interface AttrSet<
  Values extends object = object,
  Input = AttrInput<Values>,
> {
  /** Name of the set in the specification: `"address"`. */
  readonly name: string;
  /** Attributes by number; numbers without an attribute are `undefined`. */
  readonly attrs: readonly (AttrPolicy | undefined)[];
  /** Never present: it only ties `Values` to the table. */
  readonly $values?: Values;
  /** Never present: it only ties `Input` to the table. */
  readonly $input?: Input;
}

/**
 * One command of a generic-netlink family. `Reply` is `unknown` for a command
 * that is only acknowledged, `DumpRequest` for one that cannot be dumped.
 */
export interface OpPolicy<
  Request extends object = object,
  Reply = unknown,
  DumpRequest = unknown,
> {
  /** Name in the specification: `"add-addr"`. */
  readonly name: string;
  /** `genlmsghdr` command number. */
  readonly cmd: number;
  /** The set that the top-level attributes belong to. */
  readonly set: AttrSet<object & Reply, Request & DumpRequest>;
  /** Whether `CAP_NET_ADMIN` is needed. */
  readonly admin: boolean;
  /** First Linux release with the command, such as `"5.7"`. */
  readonly since: string;
}

/** One event of a generic-netlink family. */
export interface EventPolicy<Values extends object = object> {
  /** Name in the specification: `"sub-closed"`. */
  readonly name: string;
  /** `genlmsghdr` command number of the event: a space of its own. */
  readonly cmd: number;
  /** The set that the attributes belong to. */
  readonly set: AttrSet<Values>;
  /** First Linux release with the event. */
  readonly since: string;
}
