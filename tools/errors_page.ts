/**
 * Writes the classes of errors, the hints of refusals and the reasons of resets
 * into docs/errors.md, from the tables of the code, or checks that they are
 * there.
 *
 * usage: deno task errors [--check]
 *
 * @module
 */

import { EXIT_CODES } from "../cli/failure.ts";
import { RESET_REASONS } from "../codec/mptcp_pm.gen.ts";
import { HINTS, TOKEN } from "../ops/hints.ts";
import { code, table, writePart } from "./page.ts";

/** What each class means, and what helps. */
export const CLASSES: Readonly<Record<string, readonly [string, string]>> = {
  ArgumentTypeError: [
    "an argument has a wrong form, or contradicts another one; it is a `TypeError`",
    "the message names the argument, what is wrong, and mostly what would be right",
  ],
  ArgumentRangeError: [
    "a number is too small or too big, or a name is not there; it is a `RangeError`",
    "the message names the range",
  ],
  NetlinkError: [
    "the kernel refused a command",
    "the hint, and the table below",
  ],
  NotFoundError: [
    "no endpoint fits, no connection has the token, or (`what` is `family`) the kernel has no `mptcp_pm`",
    "`mptcp endpoint show`, `mptcp connection`; a kernel with `CONFIG_MPTCP=y`",
  ],
  UnsupportedError: [
    "the running kernel is too old",
    "the release that the message names, or a later one",
  ],
  SyscallError: [
    "a system call failed: the socket, the namespace, a file or a device",
    "`EPERM`, `EACCES`: [privileges](privileges.md); `ENOENT`: the namespace is not there; `EMFILE`: too many open files",
  ],
  TimeoutError: [
    "what was waited for did not come in time",
    "[`mptcp doctor`](doctor.md), or a longer time",
  ],
  DocumentError: [
    "a configuration file is wrong; nothing was changed",
    "line and column of each fault; [the keys](configuration.md)",
  ],
  PlanError: [
    "what a file wants cannot be done here; nothing was changed",
    "the reasons that it lists",
  ],
  ApplyError: [
    "a step of a plan was refused; those before it are done",
    "the steps that it lists; `--rollback` goes back by itself",
  ],
  ProtocolError: [
    "the kernel, or what stands in for it, did not keep to the protocol",
    "`/proc` has to be there; else please report it",
  ],
  DecodeError: [
    "bytes that make no sense were received",
    "please report it, with what `--trace` shows",
  ],
};

/** What the shell calls the commands. */
const WORDS: Readonly<Record<string, string>> = {
  "add-addr": "endpoint add",
  "announce": "announce",
  "remove": "remove",
  "subflow-create": "subflow create",
  "subflow-destroy": "subflow destroy",
};

/** A cell of the table: what the program says is a sentence of its own. */
function hintRow([key, hint]: [string, string]): string[] {
  const [op, errno, attribute] = key.split(" ");
  const place = attribute === undefined ? "" : ` at ${code(attribute)}`;
  const short = hint.replace(`: ${TOKEN}`, ", see above");
  return [code(WORDS[op!]!), code(errno!) + place, short];
}

if (import.meta.main) {
  await writePart(
    "docs/errors.md",
    "deno task errors",
    `| class | means | what helps | exit code of \`mptcp\` |
| --- | --- | --- | --: |
${
      Object.entries(CLASSES).map(([name, [means, helps]]) =>
        `| ${code(name)} | ${means} | ${helps} | ${EXIT_CODES[name]} |\n`
      ).join("")
    }
The last column is 1 where there is no \`mptcp_pm\`. Deno's own \`NotCapable\` says
that \`--allow-ffi\` is missing.

## What the kernel refuses

\`EPERM\` of any command: \`CAP_NET_ADMIN\` is missing, see
[privileges](privileges.md). Any command with a token at \`.token\`: ${TOKEN}.

${table(["command", "errno", "hint"], Object.entries(HINTS).map(hintRow))}
Where the table of endpoints shows the cause, the hint of \`endpoint add\` names
it: \`10.77.3.1 is an endpoint already, with id 2\`, \`id 5 belongs to 10.77.3.1\`,
\`the table is full with 8 endpoints: delete one first\`.

## Reasons of resets

| reason | name | means |
| --: | --- | --- |
${
      Object.entries(RESET_REASONS).map(([number, reason]) =>
        `| ${number} | ${code(reason!.name)} | ${reason!.doc} |\n`
      ).join("")
    }`,
  );
}
