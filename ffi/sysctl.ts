/**
 * The sysctls `net.mptcp.*`, which each network namespace has of its own. The
 * kernel takes the namespace of the thread that opens the file.
 *
 * @module
 */

import { O_RDONLY, O_WRONLY, openFile, readText, writeText } from "./file.ts";
import { libc } from "./libc.ts";
import { SyscallError } from "./syscall_error.ts";

const EACCES = 13;

/** Instead of a file descriptor. */
const NONE = -1;

/** Opens a file in the right namespace. */
type Within = (open: () => number) => number;

/** Reads one; `undefined`: the kernel has none of this name. */
export function readSysctl(name: string, within: Within): string | undefined {
  const action = `read net.mptcp.${name}`;
  const fd = within(() => {
    try {
      return openFile(pathOf(name), O_RDONLY, action);
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENOENT") return NONE;
      throw error;
    }
  });
  if (fd === NONE) return undefined;
  try {
    return readText(fd, action).trim();
  } finally {
    libc().symbols.close(fd);
  }
}

/** Writes one. */
export function writeSysctl(
  name: string,
  value: string,
  within: Within,
): void {
  const action = `set net.mptcp.${name} to ${value}`;
  const fd = within(() =>
    openFile(pathOf(name), O_WRONLY, action, {
      [EACCES]:
        "CAP_NET_ADMIN is needed in the user namespace that owns this " +
        "network namespace",
    })
  );
  try {
    writeText(fd, value, action);
  } finally {
    libc().symbols.close(fd);
  }
}

function pathOf(name: string): string {
  return `/proc/sys/net/mptcp/${name}`;
}
