/** The tests that docs/manage.md shows are tests of this file. */
import { assertEquals, assertRejects } from "@std/assert";
import { simulate } from "../../testing/mod.ts";
import { blocks, textOf } from "../helpers/shell_lines.ts";

const [, section] = textOf("docs/manage.md").split("\n## Test it without root");
const shown = blocks(section!, "ts").map(([, code]) => code!);
assertEquals(shown.map((code) => code.includes("\nDeno.test(")), [true, true]);
const load = (code: string) =>
  import(`data:application/typescript,${encodeURIComponent(code)}`);
for (const code of shown) await load(code);

for (const file of ["testing/fake_clock.ts", "testing/simulate.ts"]) {
  Deno.test(`the example of ${file} runs`, async () => {
    for (const [, code] of blocks(textOf(file), "ts")) await load(code!);
  });
}

Deno.test("docs/manage.md shows what is said of a hasty policy", async () => {
  const { message } = await assertRejects(
    () =>
      simulate(() => ({
        established: (connection) => connection.open({ from: "10.0.2.1" }),
        subflowClosed(connection, { local: { address: from }, error }) {
          if (error?.code === "ECONNRESET") connection.open({ from });
        },
      }), {}),
    Error,
  );
  const lines = message.split("\n");
  assertEquals(
    blocks(section!, "text")[0]![1],
    `${lines[0]}\n…\n${lines.at(-1)}\n`,
  );
});
