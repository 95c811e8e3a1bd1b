/**
 * Pages of docs/ that are made from what the code says.
 *
 * @module
 */

/** A table of Markdown. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |\n`).join("");
}

/** A piece of code in a text. */
export function code(text: string): string {
  return `\`${text}\``;
}

/**
 * Writes a page, or with `--check` checks that it is there.
 *
 * @param name Name of the file in docs/.
 * @param text The page, before it is formatted.
 * @param command What writes it.
 */
export async function writePage(
  name: string,
  text: string,
  command: string,
): Promise<void> {
  await bring(`docs/${name}`, text, command);
}

/**
 * A document with another text between the line that says what makes it and
 * `<!-- end -->`.
 *
 * @param command What makes it.
 */
export function withPart(
  document: string,
  command: string,
  part: string,
): string {
  const [start, end] = [`<!-- made by \`${command}\` -->\n`, "<!-- end -->"];
  const from = document.indexOf(start);
  const to = document.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`There is no ${start.trim()}`);
  const [before, after] = [document.slice(0, from), document.slice(to)];
  return `${before}${start}\n${part}\n${after}`;
}

/**
 * Writes a part of a document, or with `--check` checks that it is there.
 *
 * @param path The document.
 * @param command What writes it.
 * @param part The text, before it is formatted.
 */
export async function writePart(
  path: string,
  command: string,
  part: string,
): Promise<void> {
  const present = Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
  await bring(path, withPart(present, command, part), command);
}

async function bring(
  path: string,
  text: string,
  command: string,
): Promise<void> {
  const file = new URL(`../${path}`, import.meta.url);
  const wanted = await formatted(text);
  if (!Deno.args.includes("--check")) Deno.writeTextFileSync(file, wanted);
  else if (wanted !== Deno.readTextFileSync(file)) {
    console.error(`${path} is out of date: run \`${command}\``);
    Deno.exitCode = 1;
  }
}

async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}
