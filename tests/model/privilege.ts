/**
 * Does something without `CAP_NET_ADMIN`.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";

const CAP_NET_ADMIN = 12;
/** `_LINUX_CAPABILITY_VERSION_3` */
const VERSION = 0x20080522;

const { capget, capset } = libc().bind({
  // int capget(cap_user_header_t hdrp, cap_user_data_t datap)
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  // int capset(cap_user_header_t hdrp, const cap_user_data_t datap)
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
});

/** Takes the privilege from this thread while something is done. */
export function withoutPrivilege<T>(action: () => T): T {
  // Twice: effective, permitted, inheritable.
  const all = new Uint32Array(6);
  call(capget, all);
  const fewer = all.slice();
  fewer[0]! &= ~(1 << CAP_NET_ADMIN);
  call(capset, fewer);
  try {
    return action();
  } finally {
    call(capset, all);
  }
}

function call(
  of: typeof capget,
  capabilities: Uint32Array<ArrayBuffer>,
): void {
  const result = of(Uint32Array.of(VERSION, 0), capabilities);
  if (result < 0) throw new Error("Cannot get or set capabilities");
}
