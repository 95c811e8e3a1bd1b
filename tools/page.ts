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
  const file = new URL(`../docs/${name}`, import.meta.url);
  const wanted = await formatted(text);
  if (!Deno.args.includes("--check")) Deno.writeTextFileSync(file, wanted);
  else if (wanted !== Deno.readTextFileSync(file)) {
    console.error(`docs/${name} is out of date: run \`${command}\``);
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
