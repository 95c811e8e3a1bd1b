/**
 * All that is done in a soak.
 *
 * @module
 */

import { AGENT } from "./agent.ts";
import { COMMANDS } from "./commands.ts";
import { CONNECTIONS } from "./connections.ts";
import { POLICY } from "./policies.ts";
import { PROGRAMS } from "./programs.ts";
import { STREAMS } from "./streams.ts";
import type { Actions } from "./world.ts";

/** All actions, by name. Each checks what comes of it. */
export const ACTIONS: Actions = {
  ...COMMANDS,
  ...STREAMS,
  ...CONNECTIONS,
  ...PROGRAMS,
  ...AGENT,
  ...POLICY,
};
