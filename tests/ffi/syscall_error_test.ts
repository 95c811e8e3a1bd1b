import { assert, assertEquals } from "@std/assert";
import { MptcpError } from "../../codec/mptcp_error.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";

Deno.test("`SyscallError` tells what failed, why, and what would be right", () => {
  const bare = new SyscallError("socket", 24, "open a netlink socket");
  assert(bare instanceof MptcpError);
  assertEquals(bare.name, "SyscallError");
  assertEquals([bare.syscall, bare.errno, bare.code], ["socket", 24, "EMFILE"]);
  assertEquals(
    bare.message,
    "Cannot open a netlink socket: Too many open files (socket: EMFILE)",
  );
  assertEquals(
    new SyscallError("setns", 1, "enter", "be root").message,
    "Cannot enter: Operation not permitted (setns: EPERM): be root",
  );
  assertEquals(
    new SyscallError("poll", 4095, "wait").message,
    "Cannot wait: Unknown error 4095 (poll: E4095)",
  );
});
