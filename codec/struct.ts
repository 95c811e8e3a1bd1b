/**
 * Structs of the kernel: headers of a fixed layout, and information that grows
 * at its end from release to release.
 *
 * @module
 */

import { ArgumentTypeError } from "./argument_error.ts";
import { HOST_LITTLE_ENDIAN } from "./bytes.ts";
import { DecodeError } from "./decode_error.ts";
import type { StructMember, StructPolicy } from "./policy.ts";
import {
  INTEGER_WIDTH,
  readInteger,
  writeInteger,
  wrongType,
} from "./scalar.ts";

function widthOf({ kind, length }: StructMember): number {
  return kind === "binary" ? length! : INTEGER_WIDTH[kind];
}

/**
 * Decodes a struct of any length: members that it is too short for are absent,
 * bytes behind the last known member are ignored. Bytes are copied out.
 *
 * @param policy The struct.
 * @param bytes The struct, and what is around it.
 * @param start Where it begins. @default {0}
 * @param end Where it ends. @default {the end of `bytes`}
 * @throws {DecodeError} It is a header, and shorter than that.
 *
 * @example Read how much a connection sent, which old kernels do not report
 * ```ts
 * import { decodeStruct, sockDiag } from "@mptcp/pm/codec";
 *
 * function sent({ info }: sockDiag.InetDiagAttrs): bigint | undefined {
 *   return info && decodeStruct(sockDiag.MPTCP_INFO, info).bytesSent;
 * }
 * ```
 */
export function decodeStruct<Values extends object>(
  policy: StructPolicy<Values>,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Values {
  if (policy.isHeader && end - start < policy.length) {
    throw new DecodeError(
      `${end - start} bytes, but ${policy.name} has ${policy.length}`,
      start,
    );
  }
  const values: Record<string, unknown> = {};
  for (const member of policy.members) {
    const at = start + member.offset;
    const behind = at + widthOf(member);
    if (behind > end) break;
    const { key, kind } = member;
    values[key] = kind === "binary"
      ? bytes.slice(at, behind)
      : readInteger(bytes, at, kind, !member.bigEndian && HOST_LITTLE_ENDIAN);
  }
  return values as Values;
}

/**
 * Encodes a struct with all its members.
 *
 * @param policy The struct.
 * @param values The members by name; absent ones are 0, and bytes that are too
 * few are followed by zeros.
 * @throws {TypeError | RangeError} A value does not fit its member.
 */
export function encodeStruct<Values extends object>(
  policy: StructPolicy<Values>,
  values: NoInfer<Partial<Values>>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(policy.length);
  const given = values as Readonly<Record<string, unknown>>;
  let unknown = Object.keys(given).length;
  for (const member of policy.members) {
    const { key, kind, offset, bigEndian } = member;
    if (!Object.hasOwn(given, key)) continue;
    unknown--;
    const value = given[key];
    if (value === undefined) continue;
    if (kind !== "binary") {
      const little = !bigEndian && HOST_LITTLE_ENDIAN;
      writeInteger(bytes, offset, key, kind, value, little);
    } else if (value instanceof Uint8Array && value.length <= member.length!) {
      bytes.set(value, offset);
    } else throw wrongType(key, `at most ${member.length} bytes`, value);
  }
  if (unknown > 0) refuseUnknown(policy, given);
  return bytes;
}

/** Refuses members that the struct does not have; what is absent is none. */
function refuseUnknown(
  { name, members }: StructPolicy,
  given: Readonly<Record<string, unknown>>,
): void {
  const known = members.map(({ key }) => key);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || known.includes(key)) continue;
    throw new ArgumentTypeError(
      `Unknown member "${key}" of the struct "${name}": known are ` +
        known.join(", "),
    );
  }
}
