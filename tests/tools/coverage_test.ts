/** What counts as run through by the tests. */
import { assert, assertEquals } from "@std/assert";
import { deno, root, run } from "../helpers/command_line.ts";

Deno.test("the profile of a process that was killed does not hide the others", () => {
  const folder = Deno.makeTempDirSync({ prefix: "mptcp-coverage-" });
  try {
    const script = `${root}codec/bytes.ts`;
    const ran = run([...deno, `--coverage=${folder}`, script]);
    assertEquals(ran.code, 0, ran.err);
    const [profile] = [...Deno.readDirSync(folder)];
    const whole = Deno.readTextFileSync(`${folder}/${profile!.name}`);
    Deno.writeTextFileSync(`${folder}/empty.json`, "");
    Deno.writeTextFileSync(`${folder}/half.json`, whole.slice(0, -10));

    const { code, out, err } = run(
      [...deno, "-A", `${root}tools/coverage.ts`, folder],
    );
    assertEquals([code, err], [1, ""], "one file is less than is demanded");
    const told = [...out.matchAll(/its process was killed: (.+)/g)];
    assertEquals(told.map(([, name]) => name).sort(), [
      "empty.json",
      "half.json",
    ]);
    assert(/^codec: .* of [1-9]\d* lines/m.test(out), out);
    assert(/^ops: .* of 0 lines/m.test(out), out);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
