import { ArgumentRangeError } from "../codec/argument_error.ts";
import { ProtocolError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";

/**
 * Who manages the paths of new connections: the kernel by its endpoints and
 * limits, or a program by commands; or another path manager of the kernel, by
 * its name.
 */
export type PathManagerMode =
  | "kernel"
  | "userspace"
  | (string & Record<never, never>);

const SYSCTLS = "/proc/sys/net/mptcp/";

/** What `pm_type` calls them, before Linux 6.15. */
const TYPES = ["kernel", "userspace"];

/** Reads `net.mptcp.path_manager`, or `pm_type` on older kernels. */
export function getMode(namespace: Namespace): PathManagerMode {
  const name = readSysctl(namespace, "path_manager");
  if (name !== undefined) return name;
  const type = readSysctl(namespace, "pm_type");
  if (type !== undefined) return TYPES[Number(type)] ?? type;
  if (readSysctl(namespace, "enabled") === undefined) {
    throw new ProtocolError(
      "Cannot read net.mptcp.path_manager: /proc/sys/net/mptcp cannot be " +
        "seen here",
    );
  }
  // Before Linux 5.19 there is no choice.
  return "kernel";
}

/** Writes them, and offers to write back what was there. */
export function setMode(
  namespace: Namespace,
  mode: PathManagerMode,
): Disposable {
  const before = getMode(namespace);
  const available = availableModes(namespace);
  if (!available.includes(mode)) {
    throw new ArgumentRangeError(
      `Unknown path manager "${mode}": available are ${available.join(", ")}` +
        (available.length === 1 ? ", others from Linux 5.19 on" : ""),
    );
  }
  write(namespace, mode);
  return { [Symbol.dispose]: () => write(namespace, before) };
}

function availableModes(namespace: Namespace): string[] {
  const names = readSysctl(namespace, "available_path_managers")?.split(" ");
  if (names !== undefined) return names;
  const isOld = readSysctl(namespace, "path_manager") === undefined &&
    readSysctl(namespace, "pm_type") === undefined;
  return isOld ? ["kernel"] : TYPES;
}

function write(namespace: Namespace, mode: PathManagerMode): void {
  if (readSysctl(namespace, "path_manager") !== undefined) {
    writeSysctl(namespace, "path_manager", mode);
  } else if (readSysctl(namespace, "pm_type") !== undefined) {
    writeSysctl(namespace, "pm_type", String(TYPES.indexOf(mode)));
  }
}

function readSysctl(namespace: Namespace, name: string): string | undefined {
  return namespace.readFile(`${SYSCTLS}${name}`)?.trim();
}

function writeSysctl(namespace: Namespace, name: string, value: string): void {
  namespace.writeFile(`${SYSCTLS}${name}`, value);
}
