/**
 * The command lines that the documents show.
 *
 * @module
 */

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Made of `lines_of_ip.ts`, whose lines `transcript_test.ts` runs. */
const GENERATED = "docs/ip-mptcp.md";

/** A command line for a shell. */
export interface ShellLine {
  /** Where it stands, from the root. */
  readonly document: string;
  /** As it is written, in one line. */
  readonly line: string;
}

/** The documents, and the modules that users read. */
export function documents(): string[] {
  return ["", "docs/", "codec/", "ffi/", "netlink/", "ops/", "diag/"]
    .concat("cli/", "lab/", "testing/", "examples/").filter(exists).flatMap((
      folder,
    ) =>
      Array.from(Deno.readDirSync(root + folder), ({ name }) => folder + name)
    ).filter((name) => /\.(md|ts)$/.test(name) && name !== GENERATED)
    .toSorted();
}

function exists(folder: string): boolean {
  try {
    return Deno.statSync(root + folder).isDirectory;
  } catch {
    return false;
  }
}

/** A document, without the stars of comments. */
export function textOf(document: string): string {
  return Deno.readTextFileSync(root + document).replaceAll(/^ *\* ?/gm, "");
}

/** The blocks of code in one language, and where each begins. */
export function blocks(text: string, language: string): RegExpExecArray[] {
  const pattern = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm");
  return [...text.matchAll(pattern)];
}

/** All command lines that are shown. */
export function shellLines(): ShellLine[] {
  return documents().flatMap((document) =>
    blocks(textOf(document), "sh").flatMap(([, code]) =>
      code!.replaceAll(/\\\n\s*/g, "").trim().split("\n")
        .map((line) => ({ document, line }))
    )
  );
}
