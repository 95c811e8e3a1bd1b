import { deviceGlob } from "../diag/device_glob.ts";
import type { LocalAddress } from "./interfaces.ts";

/**
 * Chooses addresses of this host by the devices that have them.
 *
 * @param globs Names of devices, one of which has to fit: `*` is any part of a
 * name, `?` a character. None: any fits.
 * @param not Names that do not fit.
 *
 * @example All Ethernet links but one
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { byDevice, fullmesh, manage } from "@mptcp/pm/policy";
 *
 * using pm = PathManager.open();
 * const interfaces = byDevice(["eth*"], ["eth7"]);
 * using manager = manage(pm, fullmesh(), { setMode: true, interfaces });
 * await manager.finished;
 * ```
 */
export function byDevice(
  globs: readonly string[],
  not: readonly string[] = [],
): (address: LocalAddress) => boolean {
  const [wanted, unwanted] = [globs, not].map((all) => all.map(deviceGlob));
  return ({ dev }) =>
    (globs.length === 0 || wanted!.some((pattern) => pattern.test(dev))) &&
    !unwanted!.some((pattern) => pattern.test(dev));
}
