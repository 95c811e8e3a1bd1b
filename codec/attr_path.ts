/**
 * The attribute that the kernel complains about, by name.
 *
 * @module
 */

import { attrLengthAt, NLA_HDRLEN, NLA_TYPE_MASK } from "./attrs.ts";
import { readU16 } from "./bytes.ts";
import { align4 } from "./nlmsghdr.ts";
import type { AttrSet } from "./policy.ts";

/**
 * Names the attribute at an offset, as the kernel's extended ack gives it.
 *
 * @param set The set that the outermost attributes belong to.
 * @param bytes The attributes of the request.
 * @param offset Bytes from their start: of the attribute's header, or inside
 * its payload.
 * @returns The path from the outside in, such as `".addr.port"`; `undefined`
 * where no known attribute is.
 */
export function attrPathAt(
  set: AttrSet,
  bytes: Uint8Array,
  offset: number,
): string | undefined {
  return pathAt(bytes, 0, bytes.length, set, "", offset);
}

function pathAt(
  bytes: Uint8Array,
  from: number,
  end: number,
  set: AttrSet,
  parent: string,
  wanted: number,
): string | undefined {
  let start = from;
  while (start + NLA_HDRLEN <= end) {
    const length = attrLengthAt(bytes, start, end, parent);
    if (wanted >= start && wanted < start + length) {
      const policy = set.attrs[readU16(bytes, start + 2) & NLA_TYPE_MASK];
      if (policy === undefined) return undefined;
      const path = `${parent}.${policy.name}`;
      const inner = start + NLA_HDRLEN;
      if (policy.kind !== "nest" || wanted < inner) return path;
      return pathAt(
        bytes,
        inner,
        start + length,
        policy.nested!,
        path,
        wanted,
      ) ??
        path;
    }
    start += align4(length);
  }
  return undefined;
}
