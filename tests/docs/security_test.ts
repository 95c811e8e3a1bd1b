/** What SECURITY.md says can be looked up. */
import { assertEquals, assertGreater } from "@std/assert";
import { root, run } from "../helpers/command_line.ts";
import { blocks, textOf } from "../helpers/shell_lines.ts";

const text = textOf("SECURITY.md");

Deno.test("the commands of SECURITY.md print what it shows", () => {
  const shown = blocks(text, "console").map(([, block]) => block!);
  assertGreater(shown.length, 0);
  for (const block of shown) {
    const [, command, output] = block.match(/^\$ (.*)\n([^]*)$/)!;
    const { code, out, err } = run(["sh", "-c", command!], { cwd: root });
    assertEquals([code, out.trimEnd(), err], [0, output!.trimEnd(), ""]);
  }
});

Deno.test("the files that SECURITY.md names are there", () => {
  const named = Array.from(
    text.matchAll(/`((?:tests|ffi)\/[\w/.]+)`/g),
    ([, path]) => path!,
  );
  assertGreater(named.length, 0);
  for (const path of named) Deno.statSync(root + path);
});
