/**
 * The hosts on which the doctor is proven: with one fault, and healthy.
 *
 * @module
 */

import { ADDRESSES } from "./host_faults/addresses.ts";
import { ROUTES } from "./host_faults/routes.ts";
import { MIDDLEBOXES } from "./host_faults/middleboxes.ts";
import type { HostFault } from "./host_faults/scene.ts";
import { SETTINGS } from "./host_faults/settings.ts";

export { HEALTHY as HEALTHY_HOSTS } from "./host_faults/healthy.ts";

/** All faults. */
export const HOST_FAULTS: readonly HostFault[] = [
  ...SETTINGS,
  ...ADDRESSES,
  ...ROUTES,
  ...MIDDLEBOXES,
];
