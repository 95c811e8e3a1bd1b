import { ANNOUNCE } from "./announce.ts";
import { ENDPOINT } from "./endpoint.ts";
import type { Candidate, Command } from "../words/grammar.ts";
import { LIMITS } from "./limits.ts";
import { MONITOR } from "./monitor.ts";
import { REMOVE } from "./remove.ts";
import { SUBFLOW } from "./subflow.ts";

/** The commands that talk to the kernel. */
export const COMMANDS: readonly Command[] = [
  ...ENDPOINT,
  ...LIMITS,
  ...ANNOUNCE,
  ...REMOVE,
  ...SUBFLOW,
  ...MONITOR,
];

/** The first words, and what they are about. */
export const OBJECTS: readonly Candidate[] = [
  ["endpoint", "addresses that the in-kernel path manager uses"],
  ["limits", "how much it does for each connection"],
  ["announce", "announce an address to the peer of one connection"],
  ["remove", "take an announced address back"],
  ["subflow", "the subflows of one connection"],
  ["monitor", "what happens, as it happens"],
  ["completion", "shell completion"],
];

/** The options, which may stand anywhere. */
export const OPTIONS: readonly Candidate[] = [
  ["--json", "write JSON, errors too"],
  ["--netns", "work in network namespace NAME, PATH or PID"],
  ["--timestamp", "monitor: say when"],
  ["--explain", "monitor: say what errors mean"],
  ["--help", "explain"],
  ["--version", "print the version"],
];
