import { CODEC_TARGETS } from "./codec_targets.ts";
import { CONVERSATION_TARGETS } from "./conversation_targets.ts";
import { DIAG_TARGETS } from "./diag_targets.ts";
import { NETWORK_TARGETS } from "./network_targets.ts";
import type { Targets } from "./target.ts";
import { TEXT_TARGETS } from "./text_targets.ts";

/** Everything that takes input which it did not choose. */
export const TARGETS: Targets = {
  ...CODEC_TARGETS,
  ...NETWORK_TARGETS,
  ...TEXT_TARGETS,
  ...CONVERSATION_TARGETS,
  ...DIAG_TARGETS,
};
