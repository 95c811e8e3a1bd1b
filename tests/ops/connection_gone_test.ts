import { assertEquals } from "@std/assert";
import type { ExtAck } from "../../codec/extack.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { isConnectionGone } from "../../ops/connection_gone.ts";

// What kernels answer is in client_test.ts and older_kernels_test.ts.
Deno.test("`isConnectionGone()` goes by the error and the kernel's words", () => {
  const [ESRCH, EINVAL] = [3, 22];
  const refused = (errno: number, extack?: ExtAck) =>
    new NetlinkError({ op: "announce", action: "announce", errno, extack });
  const message = "invalid token";
  const rows: [unknown, boolean][] = [
    [refused(EINVAL, { message, attribute: ".token" }), true],
    [refused(EINVAL, { message }), true],
    [refused(EINVAL, { message }).withHint("another"), true],
    [refused(ESRCH, { message }), false],
    [refused(EINVAL, { attribute: ".token" }), false],
    [refused(EINVAL, { message: "userspace PM not selected" }), false],
    [refused(EINVAL), false],
    [new SyscallError("send", EINVAL, message), false],
    [new Error(message), false],
    [undefined, false],
  ];
  for (const [error, expected] of rows) {
    assertEquals(isConnectionGone(error), expected, `${error}`);
  }
});
