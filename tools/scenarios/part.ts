/**
 * What a scenario says in docs/scenarios.md.
 *
 * @module
 */

import { table } from "../page.ts";

/** A scenario. */
export interface Scenario {
  /** Its word in the command line. */
  readonly name: string;
  /** Runs it, draws, and says what was seen. */
  readonly run: () => Promise<string>;
}

/** Where the pictures are. */
export const PICTURES: URL = new URL("../../docs/scenarios/", import.meta.url);

/** What was seen. */
export interface Seen {
  /** The words behind `mptcp -n client`, and what was said. */
  readonly console?: readonly (readonly [words: string, log: string])[];
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Each file in the folder of the pictures, and what it shows. */
  readonly pictures: readonly (readonly [file: string, alt: string])[];
}

/** The part of the page. */
export function partOf({ console = [], head, rows, pictures }: Seen): string {
  return [
    ...console.map(([words, log]) =>
      `\`\`\`console\n$ mptcp -n client ${words}\n${log}\`\`\`\n`
    ),
    table(head, rows),
    ...pictures.map(([file, alt]) => `![${alt}](scenarios/${file})\n`),
    `Linux ${Deno.osRelease()}, ${new Date().toISOString().slice(0, 10)}.\n`,
  ].join("\n");
}
