import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { isPermissionError, ProtocolError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";

type Sysctls = Readonly<Record<string, string>>;

/** What there is: both files since Linux 6.15, one since 5.19, then none. */
const NEW: Sysctls = {
  enabled: "1",
  path_manager: "kernel",
  available_path_managers: "kernel userspace",
  pm_type: "0",
};
const OLD: Sysctls = { enabled: "1", pm_type: "0" };
const OLDEST: Sysctls = { enabled: "1" };

function open(
  sysctls: Sysctls,
): { pm: PathManager; kernel: FakeKernel; written: string[] } {
  const kernel = new FakeKernel();
  const written: string[] = [];
  const { writeFile } = kernel;
  kernel.writeFile = (path, text) => {
    writeFile.call(kernel, path, text);
    written.push(`${path.replace("/proc/sys/net/mptcp/", "")}=${text}`);
  };
  kernel.sysctls.clear();
  for (const [name, value] of Object.entries(sysctls)) {
    kernel.sysctls.set(name, value);
  }
  return { pm: PathManager.open({ namespace: kernel }), kernel, written };
}

Deno.test("`getMode()` knows the files of all kernels", () => {
  const rows: [Sysctls, mode: string][] = [
    [NEW, "kernel"],
    [{ ...NEW, path_manager: "userspace", pm_type: "1" }, "userspace"],
    // Since 6.15 the first one counts: 2 is what the other says of a third.
    [{ ...NEW, path_manager: "bpf_red", pm_type: "2" }, "bpf_red"],
    [OLD, "kernel"],
    [{ pm_type: "1" }, "userspace"],
    [{ pm_type: "2" }, "2"],
    [OLDEST, "kernel"],
  ];
  for (const [sysctls, mode] of rows) {
    const { pm, kernel } = open(sysctls);
    assertEquals(pm.getMode(), mode);
    // The look-up of the family alone.
    assertEquals(kernel.sent.length, 1);
  }
});

Deno.test("`setMode()` writes the file that there is", () => {
  const rows: [Sysctls, mode: string, expected: string][] = [
    [NEW, "userspace", "path_manager=userspace"],
    [NEW, "kernel", "path_manager=kernel"],
    [
      { ...NEW, available_path_managers: "kernel userspace bpf_red" },
      "bpf_red",
      "path_manager=bpf_red",
    ],
    // No list: the two that all kernels have.
    [{ path_manager: "kernel" }, "userspace", "path_manager=userspace"],
    [OLD, "userspace", "pm_type=1"],
    [{ pm_type: "1" }, "kernel", "pm_type=0"],
  ];
  for (const [sysctls, mode, expected] of rows) {
    const { pm, written } = open(sysctls);
    pm.setMode(mode);
    assertEquals(written, [expected]);
    assertEquals(pm.getMode(), mode);
  }
});

Deno.test("`setMode()` brings the former mode back when it is disposed of", () => {
  const rows: [Sysctls, written: string[]][] = [
    [NEW, ["path_manager=userspace", "path_manager=kernel"]],
    [OLD, ["pm_type=1", "pm_type=0"]],
    [{ pm_type: "1" }, ["pm_type=1", "pm_type=1"]],
    [
      { ...NEW, path_manager: "bpf_red" },
      ["path_manager=userspace", "path_manager=bpf_red"],
    ],
  ];
  for (const [sysctls, expected] of rows) {
    for (const fails of [false, true]) {
      const { pm, written } = open(sysctls);
      const before = pm.getMode();
      const failure = new Error("on purpose");
      try {
        using _former = pm.setMode("userspace");
        assertEquals(pm.getMode(), "userspace");
        if (fails) throw failure;
      } catch (error) {
        assertStrictEquals(error, failure);
      }
      assertEquals(pm.getMode(), before);
      assertEquals(written, expected);
    }
  }
});

Deno.test("`setMode()` brings modes back in turn", () => {
  const { pm } = open(NEW);
  {
    using _outer = pm.setMode("userspace");
    {
      using _inner = pm.setMode("kernel");
      assertEquals(pm.getMode(), "kernel");
    }
    assertEquals(pm.getMode(), "userspace");
  }
  assertEquals(pm.getMode(), "kernel");
});

Deno.test("`setMode()` keeps the mode that is not disposed of", () => {
  const { pm, kernel } = open(NEW);
  pm.setMode("userspace");
  pm.close();
  assertEquals(kernel.sysctls.get("path_manager"), "userspace");
});

Deno.test("`setMode()` refuses a mode that the kernel does not have, and writes nothing", () => {
  const rows: [Sysctls, mode: string, available: string][] = [
    [NEW, "bpf", "kernel, userspace"],
    [NEW, "", "kernel, userspace"],
    [NEW, "kernel userspace", "kernel, userspace"],
    [
      { ...NEW, available_path_managers: "kernel bpf_red" },
      "userspace",
      "kernel, bpf_red",
    ],
    [OLD, "bpf", "kernel, userspace"],
    [OLD, "1", "kernel, userspace"],
    [OLDEST, "userspace", "kernel, others from Linux 5.19 on"],
    [OLDEST, "bpf", "kernel, others from Linux 5.19 on"],
  ];
  for (const [sysctls, mode, available] of rows) {
    const { pm, written } = open(sysctls);
    const error = assertThrows(() => pm.setMode(mode), RangeError);
    assertEquals(
      error.message,
      `Unknown path manager "${mode}": available are ${available}`,
    );
    assertEquals(written, []);
  }
});

Deno.test("`getMode()` and `setMode()` throw what the files say, which they name", () => {
  const path = "/proc/sys/net/mptcp/path_manager";
  const { pm, kernel } = open(NEW);
  kernel.privileged = false;
  const error = assertThrows(() => pm.setMode("userspace"), SyscallError);
  assertEquals(
    error.message,
    `Cannot write "userspace" to ${path}: Permission denied (open: EACCES)`,
  );
  assertEquals(isPermissionError(error), true);
  assertEquals(pm.getMode(), "kernel");
  const failure = new SyscallError("open", 24, `read ${path}`);
  kernel.readFile = (path) => {
    assert(path.startsWith("/proc/sys/net/mptcp/"), path);
    throw failure;
  };
  for (const call of [() => pm.getMode(), () => pm.setMode("userspace")]) {
    assertStrictEquals(assertThrows(call), failure);
  }
});

Deno.test("`getMode()` and `setMode()` say that there are no sysctls to be seen", () => {
  const { pm, written } = open({});
  for (const call of [() => pm.getMode(), () => pm.setMode("kernel")]) {
    const error = assertThrows(call, ProtocolError);
    assertEquals(
      error.message,
      "Cannot read net.mptcp.path_manager: /proc/sys/net/mptcp cannot be " +
        "seen here",
    );
  }
  assertEquals(written, []);
});
