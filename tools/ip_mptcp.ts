/**
 * Writes docs/ip-mptcp.md from the lines that the live test runs through `ip
 * mptcp` and through this command line, or checks that it is there.
 *
 * usage: deno task ip [--check]
 *
 * @module
 */

import {
  BATCHES,
  BEFORE,
  DIFFERENT,
  MONITOR,
  REFUSED,
  SAME,
} from "../tests/helpers/lines_of_ip.ts";
import { code, table, writePage } from "./page.ts";

/** A line of `ip` as this program takes it. */
function ours(line: string): string {
  return `mptcp ${line.replace(/(^| )mptcp( |$)/, "$1")}`.trimEnd();
}

/** The page, before it is formatted. */
function page(): string {
  const both = ["`ip`", "here"];
  const codes = ["exit code of `ip`", "here"];
  return `# \`mptcp\` in the place of \`ip mptcp\`

<!-- made by \`deno task ip\` -->

Each line of \`ip mptcp\` beside ours. A test runs all of them through both
programs, in two network namespaces, and compares what they print, how they end,
and the endpoints and limits that are there afterwards. \`d[ev]\` stands for \`d\`,
\`de\` and \`dev\`, \`{ a ; b }\` for \`a b\` and \`b a\`. Before each line there are
these endpoints, and \`limits set ${BEFORE.limits}\`:

\`\`\`text
${BEFORE.endpoints.join("\n")}
\`\`\`

Words of this program that \`ip mptcp\` does not have are never abbreviated: so a
new one breaks no script. Options of \`ip\` that have no meaning here have no
effect; they stand in front of the object, our own anywhere.

## The same

${
    [...SAME, MONITOR].map(({ heading, lines }) =>
      `### ${heading}\n\n` +
      table(both, lines.map((line) => [code(`ip ${line}`), code(ours(line))]))
    ).join("\n")
  }
Both watch the same connections meanwhile. \`monitor\` writes as iproute2 7.1 does;
earlier releases have no names for events of listeners and for flags, no devices,
and no JSON. \`-j\` is compared with what 7.1 printed of captured events
(\`tests/cli/objects/monitor_test.ts\`).

## Different on purpose

${
    table(
      [...both, ...codes, "why"],
      Object.entries(DIFFERENT).map(([line, [own, ip, why]]) => [
        code(`ip ${line}`),
        code(ours(line)),
        `${ip ?? "depends on its release"}`,
        `${own}`,
        why,
      ]),
    )
  }
Control characters in the name of a device are printed as \`\\x1b\`, in JSON as
\`\\u001b\`: a terminal obeys none of them.

## Refused by both

Nothing changes. 255 is a line that makes no sense, 2 a refusal of the kernel.

${
    table(
      [...both, ...codes],
      Object.entries(REFUSED).map(([line, [own, ip]]) => [
        code(`ip ${line}`),
        code(ours(line)),
        `${ip ?? "depends on its release"}`,
        `${own}`,
      ]),
    )
  }
## \`-batch\`

Lines of a file, or of standard input if it is \`-\`, with or without the word
\`mptcp\`. \`#\` begins a comment, \`\\\` at the end of a line continues it, quotes may be
around a word. These do the same as with \`ip\`:

${
    BATCHES.filter(([text]) => text !== "").map(([text, options = ""]) =>
      `\`\`\`sh\nmptcp ${
        options === "" ? "" : `${options} `
      }-batch - <<'END'\n${text.trimEnd()}\nEND\n\`\`\`\n`
    ).join("\n")
  }
Two things differ. The exit code is that of the first line that failed, with \`ip\`
mostly 1. And \`-force\` goes on after each failure: \`ip\` ends at a line that makes
no sense.
`;
}

await writePage("ip-mptcp.md", page(), "deno task ip");
