/**
 * A file of what there is.
 *
 * @module
 */

import type { Config, ExactEndpoint } from "./config.ts";
import { isImplicit } from "./endpoints.ts";
import { isReadOnly } from "./settings.ts";
import type { PresentState } from "./state.ts";

/**
 * What there is, as what is wanted: to apply it changes nothing. Implicit
 * endpoints are left out, since only the kernel makes them.
 *
 * @param state What there is.
 */
export function configOf(state: PresentState): Required<Config> {
  const { settings, limits, endpoints } = state;
  // The older name of another one.
  const isAlias = (name: string) =>
    name === "pm_type" && Object.hasOwn(settings, "path_manager");
  return {
    limits,
    settings: Object.fromEntries(
      Object.entries(settings).filter(([name]) =>
        !isReadOnly(name) && !isAlias(name)
      ),
    ),
    endpoints: endpoints.filter((one) => !isImplicit(one)).map((
      { address, port, id, flags, ifIndex, dev = `if${ifIndex}` },
      place,
    ): ExactEndpoint => ({
      ...{ address, id, flags, place },
      ...port !== 0 && { port },
      ...ifIndex !== 0 && { dev },
    })),
    governs: "all",
  };
}
