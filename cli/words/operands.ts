/**
 * The operands that several commands share.
 *
 * @module
 */

import {
  integer,
  type Operand,
  option,
  required,
  text,
  token as readToken,
  UsageError,
} from "./grammar.ts";

/** The device of an endpoint or subflow. */
export const dev: Operand<string, false> = option(
  "dev",
  "IF",
  "network device, by name",
  text,
  [["@dev", "network device"]],
);

/** An address id. */
export const id: Operand<number, false> = option(
  "id",
  "N",
  "address id, 1 to 255",
  integer,
);

/** An address id, that of the initial subflow too. */
export const idOrInitial: Operand<number, false> = option(
  "id",
  "N",
  "address id, 0 to 255; 0 is the initial subflow's",
  integer,
);

/** A TCP port. */
export const port: Operand<number, false> = option(
  "port",
  "N",
  "TCP port, 1 to 65535; 0 is none",
  integer,
);

/** A connection. */
export const token: Operand<number, false> = option(
  "token",
  "T",
  "connection with the userspace path manager, as printed, 0x… or decimal",
  readToken,
);

/** A connection that must be given. */
export const theToken: Operand<number, true> = required(token);

/** Offers what `@id` or `@address` stands for when a shell completes. */
export function offering<Kind extends Operand<unknown>>(
  operand: Kind,
  word: "@id" | "@address",
): Kind {
  return { ...operand, values: [[word, "endpoint"]] };
}

/** The word that makes a subflow a spare. */
export const BACKUP: readonly ["backup", string] = [
  "backup",
  "carry data only when other subflows cannot",
];
/** The word that takes that back. */
export const NOBACKUP: readonly ["nobackup", string] = [
  "nobackup",
  "carry data always",
];
/** The word that makes a full mesh. */
export const FULLMESH: readonly ["fullmesh", string] = [
  "fullmesh",
  "connect to every address of the peer",
];

/** `{ backup: true }` for the word "backup", `{ backup: false }` for "nobackup". */
export function switched<Flag extends string>(
  flag: Flag,
  words: readonly string[],
): { [name in Flag]?: boolean } {
  const on = words.includes(flag);
  const off = words.includes(`no${flag}`);
  if (on && off) {
    throw new UsageError(`"${flag}" and "no${flag}" contradict each other`);
  }
  return (on || off ? { [flag]: on } : {}) as { [name in Flag]?: boolean };
}
