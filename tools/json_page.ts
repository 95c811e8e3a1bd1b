/**
 * Writes docs/json.md, the fields of what `mptcp -j connection` and
 * `mptcp -j doctor` print, from the documentation of the library, or checks that
 * it is there.
 *
 * usage: deno task json [--check]
 *
 * @module
 */

import { snakeCase } from "../cli/snake_case.ts";
import { SUBFLOW_FLAGS } from "../codec/sock_diag.gen.ts";
import { SOCKET_STATES } from "../diag/connection.ts";
import { CHECK_NAMES } from "../doctor/mod.ts";
import { code, table, writePage } from "./page.ts";

/** What `deno doc --json` says of a type. */
interface Declaration {
  readonly def: {
    readonly extends?: readonly {
      readonly value: { readonly typeName: string };
    }[];
    readonly properties: readonly {
      readonly name: string;
      readonly optional?: boolean;
      readonly jsDoc: { readonly doc: string };
      readonly tsType: { readonly repr?: string; readonly kind: string };
    }[];
  };
}

/** One field. */
export interface Field {
  /** Name in JSON. */
  readonly name: string;
  /** Type in JSON. */
  readonly type: string;
  /** Whether it may be absent. */
  readonly isOptional: boolean;
  readonly doc: string;
}

/** The fields of types that an entry point exports. */
export function fieldsOf(
  entry: string,
  ...names: readonly string[]
): Field[][] {
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", entry],
    cwd: new URL("..", import.meta.url),
  }).outputSync();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const [{ symbols }] = Object.values<{
    symbols: { name: string; declarations: Declaration[] }[];
  }>(nodes) as [{ symbols: { name: string; declarations: Declaration[] }[] }];
  const fields = (name: string): Field[] => {
    const { def } = symbols.find((symbol) => symbol.name === name)!
      .declarations[0]!;
    return [
      ...def.properties.map(({ name, optional, jsDoc, tsType }) => ({
        name: snakeCase(name),
        // The one value that has another form in JSON.
        type: name === "token" ? "string" : jsonType(tsType),
        isOptional: optional ?? false,
        doc: jsDoc.doc.replaceAll(/\s+/g, " "),
      })),
      ...(def.extends ?? []).flatMap(({ value }) => fields(value.typeName)),
    ];
  };
  return names.map(fields);
}

/** Types of words. */
const STRINGS = ["SocketState", "Status", "CheckName", "AttemptOutcome"];

/** The type that JSON has for a type of TypeScript. */
function jsonType(
  { repr = "", kind }: { readonly repr?: string; readonly kind: string },
): string {
  if (kind === "typeOperator" || kind === "array") return "array";
  if (/End$/.test(repr)) return "object";
  if (STRINGS.includes(repr)) return "string";
  if (repr === "Counters") return "object";
  return repr === "true" ? "boolean" : repr;
}

function rows(fields: readonly Field[]): string {
  return table(
    ["field", "type", "meaning"],
    fields.map(({ name, type, isOptional, doc }) => [
      code(name),
      type + (isOptional ? ", may be absent" : ""),
      // Names of the library are those of the first column here.
      doc.replaceAll(/`([a-z]\w*)`/g, (_, word) => code(snakeCase(word))),
    ]),
  );
}

function field(name: string, type: string, doc: string): Field {
  return { name, type, isOptional: false, doc };
}

if (import.meta.main) {
  const [connection, subflow, end] = fieldsOf(
    "diag/mod.ts",
    ...["Connection", "Subflow", "SubflowEnd"],
  ) as [Field[], Field[], Field[]];
  const [finding, target, attempt] = fieldsOf(
    "doctor/mod.ts",
    ...["Finding", "Target", "Attempt"],
  ) as [Field[], Field[], Field[]];
  await writePage(
    "json.md",
    `# What \`mptcp -j connection\` and \`mptcp -j doctor\` print

<!-- made by \`deno task json\` -->

Fields may be added; none changes its meaning. The library has the same in camel
case (\`rtt_us\` is \`rttUs\`), and \`token\` as a number.

## A connection

\`mptcp -j connection\` prints one array of connections. A field that the kernel
does not report is absent, never 0.

\`token\` is hexadecimal without zeros in front, as \`"0x5d2b52"\`: all commands
write it so. \`local\` and \`remote\` have \`address\` and
\`port\`. States are those of \`ss\`: ${
      [...new Set(SOCKET_STATES.slice(1))].map((word) => code(word!)).join(", ")
    }.

${rows(connection)}
## A subflow

\`flags\` has some of ${SUBFLOW_FLAGS.map(([word]) => code(word)).join(", ")}.

${rows(subflow)}
## \`local\` and \`remote\` of a subflow

${rows(end)}
## What the doctor says

\`mptcp -j doctor\` prints one object, in which findings stand in the order of
the text.

${
      rows([
        field("version", "number", "Of this format: 1."),
        field(
          "healthy",
          "boolean or null",
          "Whether there is no problem; null: there is none as far as it could " +
            "be looked at.",
        ),
        field("ignored", "array", "The checks that were left out."),
        {
          ...field("target", "object", "What became of `mptcp doctor to`."),
          isOptional: true,
        },
        field("findings", "array", "What the checks say, one or more each."),
      ])
    }
## A finding

\`status\` is \`problem\`: no path comes of it, \`warning\`: it may not be what is
meant, \`unknown\`: it could not be looked at, or \`ok\`. Checks are
${CHECK_NAMES.map(code).join(", ")}.

${rows(finding)}
## \`target\`

${
      rows([...target, {
        ...field(
          "connection",
          "object",
          "The first connection that got through, as it was after its subflows.",
        ),
        isOptional: true,
      }])
    }
## An attempt

\`outcome\` is \`mptcp\`; \`tcp\`: without MPTCP, from the answer to the SYN on;
\`blackhole\`: MPTCP did not get through, and TCP did; or \`failed\`: neither did.

${rows(attempt)}`,
    "deno task json",
  );
}
