/**
 * The shape of the tables that the generator writes and that
 * {@linkcode encodeAttrs} and {@linkcode decodeAttrs} walk.
 *
 * @module
 */

/** Integers by width and sign; those of 64 bits are bigints. */
export type IntegerKind =
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s8"
  | "s16"
  | "s32"
  | "s64";

/**
 * How an attribute's payload is laid out. Integers are in host byte order
 * unless the policy says `bigEndian`. `ipv4` (4 bytes) and `ipv6` (16 bytes)
 * are addresses in network order, shown as text. An `array` is a nest whose
 * entries, numbered from 1, are nests of one set. A `bitfield32` is a
 * {@linkcode Bitfield32}.
 */
export type AttrKind =
  | IntegerKind
  | "ipv4"
  | "ipv6"
  | "binary"
  | "string"
  | "flag"
  | "bitfield32"
  | "struct"
  | "nest"
  | "array";

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
  /** The layout of the payload, for the kind `struct`. */
  readonly struct?: StructPolicy;
  /** Set if it may occur several times: its values are in an array. */
  readonly multi?: true;
}

/** Bits with a mask: `struct nla_bitfield32`. */
export interface Bitfield32 {
  /** The bits. */
  readonly value: number;
  /** Those of them that count. */
  readonly selector: number;
}

/** A member of a struct: its name and its layout. */
export interface StructMember {
  /** Name in the TypeScript interface, in camel case: `"bytesSent"`. */
  readonly key: string;
  /** Layout: an integer, or bytes as they are. */
  readonly kind: IntegerKind | "binary";
  /** Bytes from the start of the struct. */
  readonly offset: number;
  /** Number of bytes, for the kind `binary`. */
  readonly length?: number;
  /** Set for integers that travel in network byte order. */
  readonly bigEndian?: true;
}

/**
 * A struct of the kernel. `Values` is the type of what
 * {@linkcode decodeStruct} returns.
 */
export interface StructPolicy<Values extends object = object> {
  /** Name in the specification: `"mptcp-info"`. */
  readonly name: string;
  /** Length in bytes, with all members that are known. */
  readonly length: number;
  /** Set for a header, which has all its members: shorter is malformed. */
  readonly isHeader?: true;
  /** The members in their order; padding is left out. */
  readonly members: readonly StructMember[];
  /** Never present: it only ties `Values` to the table. */
  readonly $values?: Values;
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
}

/** One message of a protocol that is not generic netlink, in one direction. */
export interface MessagePolicy<
  Header extends object = object,
  Values extends object = object,
> {
  /** Name in the specification: `"inet-diag-msg"`. */
  readonly name: string;
  /** Type in the netlink header. */
  readonly type: number;
  /** What is between the netlink header and the attributes. */
  readonly header: StructPolicy<Header>;
  /** The set that the attributes belong to. */
  readonly set: AttrSet<Values>;
}
