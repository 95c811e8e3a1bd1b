/**
 * What is rendered: a specification with its references followed and its
 * numbers counted.
 *
 * @module
 */

import type { AttrKind, IntegerKind } from "../../codec/policy.ts";

/** Something with a text about it. */
export interface Described {
  readonly name: string;
  readonly doc: string;
  /** The Linux release that introduced it, such as `5.7`; `""`: unknown. */
  readonly since: string;
}

/** Something with a number. */
export interface Item extends Described {
  /** For an entry of type `flags` the bit, not its index. */
  readonly value: number;
  /** Name of its constant, in the kernel's spelling. */
  readonly constant: string;
}

/** A name, a number or a limit that belongs to no list. */
export interface Constant {
  readonly constant: string;
  readonly value: string | number;
  readonly doc: string;
}

/** The words for numbers or for bits. */
export interface Words {
  readonly name: string;
  readonly doc: string;
  readonly type: "enum" | "flags";
  readonly entries: readonly Item[];
}

/** What attributes and members of structs have in common. */
interface Field {
  readonly isBigEndian: boolean;
  /** Name of the words for its values. */
  readonly words: string | undefined;
}

export interface Attribute extends Item, Field {
  readonly kind: AttrKind;
  readonly isMulti: boolean;
  /** Name of the set inside. */
  readonly nested: string | undefined;
  /** Name of the struct inside. */
  readonly struct: string | undefined;
}

export interface AttributeSet {
  readonly name: string;
  readonly doc: string;
  readonly attributes: readonly Attribute[];
}

export interface Member extends Described, Field {
  readonly kind: IntegerKind | "binary";
  readonly offset: number;
  readonly width: number;
}

export interface Struct {
  readonly name: string;
  readonly doc: string;
  readonly length: number;
  readonly isHeader: boolean;
  readonly members: readonly Member[];
}

/** An event, or a message of netlink-raw. */
export interface Carrier extends Item {
  /** Name of the set of its attributes. */
  readonly set: string;
  readonly attributes: readonly string[];
}

/** The names of the attributes of each message; absent: there is none. */
export interface Command extends Item {
  readonly set: string;
  readonly needsAdmin: boolean;
  readonly request: readonly string[];
  readonly reply: readonly string[] | undefined;
  readonly dumpRequest: readonly string[] | undefined;
}

export interface Model {
  readonly doc: string;
  readonly constants: readonly Constant[];
  readonly words: readonly Words[];
  readonly structs: readonly Struct[];
  /** A set that another one nests comes before it. */
  readonly sets: readonly AttributeSet[];
  readonly commands: readonly Command[];
  readonly events: readonly Carrier[];
  readonly messages: readonly (Carrier & { readonly header: string })[];
}
