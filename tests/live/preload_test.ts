/** The tests of a user, as docs/testing.md advises: `deno test` reports no leak. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Lab } from "../../testing/lab.ts";
import { root, run } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";

/** What needs another part of libc each; all are tests of their own. */
const PROGRAM = `
Deno.test("mode", () => {
  using pm = PathManager.open();
  pm.setMode(pm.getMode());
});
Deno.test("dev", () => {
  using pm = PathManager.open();
  pm.addAddr({ address: "10.0.0.1", dev: "lo" });
  pm.delAddr({ dev: "lo" });
});
Deno.test("netns", () => {
  using pm = PathManager.open({ netns: Deno.pid });
  pm.getLimits();
});
Deno.test("events", async () => {
  using pm = PathManager.open();
  using events = pm.events();
  const next = events.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  events.close();
  await next;
});
Deno.test("output", async () => {
  {
    using output = watchOutput();
    await output.writable();
  }
  // A thread has to end, however busy the machine is.
  for (let turn = 0; turn < 50; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
});
Deno.test("signal", () => ignoreInspectorSignal());
`;

liveTest("`preload()` keeps `deno test` from reporting leaks", () => {
  using lab = Lab.open({ paths: 0 });
  const path = Deno.makeTempFileSync({ suffix: "_test.ts" });
  const test = (first: string) => {
    Deno.writeTextFileSync(
      path,
      `import { ignoreInspectorSignal, PathManager, preload, watchOutput }
        from "${new URL("../../mod.ts", import.meta.url)}";
      ${first}
      ${PROGRAM}`,
    );
    return run([
      ...["ip", "netns", "exec", lab.client.netns],
      ...[Deno.execPath(), "test", "-A", `--config=${root}deno.json`],
      ...["--no-check", path],
    ]);
  };
  try {
    const { code, out } = test("preload();");
    assertEquals(code, 0, out);
    assertStringIncludes(out, "6 passed");
    const { out: without } = test("void preload; PathManager.open().close();");
    assertStringIncludes(without, "| 1 passed | 5 failed");
  } finally {
    Deno.removeSync(path);
  }
});
