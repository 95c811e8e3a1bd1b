/**
 * The faults on which the doctor is proven.
 *
 * @module
 */

import { MIDDLEBOXES } from "./host_faults/middleboxes.ts";
import type { HostFault } from "./host_faults/scene.ts";
import { SETTINGS } from "./host_faults/settings.ts";

/** All faults. */
export const HOST_FAULTS: readonly HostFault[] = [...SETTINGS, ...MIDDLEBOXES];
