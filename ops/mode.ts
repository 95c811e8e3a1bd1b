import { ProtocolError } from "./errors.ts";
import type { Transport } from "./transport.ts";

/**
 * Who manages the paths of new connections: the kernel by its endpoints and
 * limits, or a program by commands; or another path manager of the kernel, by
 * its name.
 */
export type PathManagerMode =
  | "kernel"
  | "userspace"
  | (string & Record<never, never>);

/** What `pm_type` calls them, before Linux 6.15. */
const TYPES = ["kernel", "userspace"];

/** Reads `net.mptcp.path_manager`, or `pm_type` on older kernels. */
export function getMode(transport: Transport): PathManagerMode {
  const name = transport.readSysctl("path_manager");
  if (name !== undefined) return name;
  const type = transport.readSysctl("pm_type");
  if (type !== undefined) return TYPES[Number(type)] ?? type;
  if (transport.readSysctl("enabled") === undefined) {
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
  transport: Transport,
  mode: PathManagerMode,
): Disposable {
  const before = getMode(transport);
  const available = availableModes(transport);
  if (!available.includes(mode)) {
    throw new RangeError(
      `Unknown path manager "${mode}": available are ${available.join(", ")}` +
        (available.length === 1 ? ", others from Linux 5.19 on" : ""),
    );
  }
  write(transport, mode);
  return { [Symbol.dispose]: () => write(transport, before) };
}

function availableModes(transport: Transport): string[] {
  const names = transport.readSysctl("available_path_managers")?.split(" ");
  if (names !== undefined) return names;
  const isOld = transport.readSysctl("path_manager") === undefined &&
    transport.readSysctl("pm_type") === undefined;
  return isOld ? ["kernel"] : TYPES;
}

function write(transport: Transport, mode: PathManagerMode): void {
  if (transport.readSysctl("path_manager") !== undefined) {
    transport.writeSysctl("path_manager", mode);
  } else if (transport.readSysctl("pm_type") !== undefined) {
    transport.writeSysctl("pm_type", String(TYPES.indexOf(mode)));
  }
}
