/**
 * The objects: the first words of a command line. What can be done with one is
 * in a file of its own, which is loaded when it is used.
 *
 * @module
 */

import type { Command } from "./words/grammar.ts";

/** One object. */
export interface CliObject {
  readonly word: string;
  /** Other words for it. */
  readonly aliases?: readonly string[];
  readonly about: string;
  /** The heading that it stands under in the help. */
  readonly group: string;
  readonly load: () => Promise<{ readonly COMMANDS: readonly Command[] }>;
}

const IN_KERNEL = "the in-kernel path manager";
const ONE = "one connection, which the userspace path manager has";
const LOOK = "look";
const KEEP = "keep";

/** All of them, in the order of the help. */
export const OBJECTS: readonly CliObject[] = [
  {
    word: "endpoint",
    about: "addresses that the in-kernel path manager uses",
    group: IN_KERNEL,
    load: () => import("./objects/endpoint.ts"),
  },
  {
    word: "limits",
    about: "how much it does for each connection",
    group: IN_KERNEL,
    load: () => import("./objects/limits.ts"),
  },
  {
    word: "announce",
    about: "announce an address to the peer",
    group: ONE,
    load: () => import("./objects/announce.ts"),
  },
  {
    word: "remove",
    about: "take an announced address back",
    group: ONE,
    load: () => import("./objects/remove.ts"),
  },
  {
    word: "subflow",
    about: "open, close and change subflows",
    group: ONE,
    load: () => import("./objects/subflow.ts"),
  },
  {
    word: "status",
    about: "how this host is set, on one screen",
    group: LOOK,
    load: () => import("./objects/status.ts"),
  },
  {
    word: "connection",
    aliases: ["connections", "conn"],
    about: "connections and their subflows (conn for short)",
    group: LOOK,
    load: () => import("./objects/connection.ts"),
  },
  {
    word: "doctor",
    about: "why is there no second path?",
    group: LOOK,
    load: () => import("./objects/doctor.ts"),
  },
  {
    word: "report",
    about: "all that the doctor looks at, to be sent or kept",
    group: LOOK,
    load: () => import("./objects/report.ts"),
  },
  {
    word: "top",
    about: "what connections carry, live; q ends it",
    group: LOOK,
    load: () => import("./objects/top.ts"),
  },
  {
    word: "counters",
    about: "what the kernel has counted, and what it means",
    group: LOOK,
    load: () => import("./objects/counters.ts"),
  },
  {
    word: "monitor",
    about: "what happens, as it happens",
    group: LOOK,
    load: () => import("./objects/monitor.ts"),
  },
  {
    word: "record",
    about: "what connections carry over time, as lines or a drawing",
    group: LOOK,
    load: () => import("./objects/record.ts"),
  },
  {
    word: "wait",
    about: "wait until something is there, or happens",
    group: LOOK,
    load: () => import("./objects/wait.ts"),
  },
  {
    word: "plan",
    about: "what a file would change; exit code 5: there is something to do",
    group: KEEP,
    load: () => import("./objects/plan.ts"),
  },
  {
    word: "apply",
    about: "make this host what a file says",
    group: KEEP,
    load: () => import("./objects/apply.ts"),
  },
  {
    word: "watch",
    about: "keep it so, whatever comes and goes: an agent",
    group: KEEP,
    load: () => import("./objects/watch.ts"),
  },
  {
    word: "export",
    about: "write a file of what there is",
    group: KEEP,
    load: () => import("./objects/export.ts"),
  },
  {
    word: "schema",
    about: "what a configuration file can say, for editors",
    group: KEEP,
    load: () => import("./objects/schema.ts"),
  },
  {
    word: "manage",
    about: "run a path manager: one of those that are ready, or your own",
    group: ONE,
    load: () => import("./objects/manage.ts"),
  },
  {
    word: "completion",
    about: "completion of these words in a shell",
    group: "this program",
    load: () => import("./objects/completion.ts"),
  },
  {
    word: "man",
    about: "the manual page, in roff",
    group: "this program",
    load: () => import("./objects/man.ts"),
  },
];

/** All commands, with the words that name each. */
export async function allCommands(): Promise<
  { readonly path: readonly string[]; readonly command: Command }[]
> {
  const loaded = await Promise.all(
    OBJECTS.map(async ({ word, load }) =>
      (await load()).COMMANDS.map((command) => ({
        path: command.word === undefined ? [word] : [word, command.word],
        command,
      }))
    ),
  );
  return loaded.flat();
}
