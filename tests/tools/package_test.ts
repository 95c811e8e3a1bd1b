import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  deno,
  type Ended,
  root,
  run,
  script,
} from "../helpers/command_line.ts";
import { jsr, serve, url } from "../helpers/jsr.ts";
import { liveTest } from "../helpers/live.ts";

/** Makes the package, with `@std/*` from where this run has it. */
function make(): void {
  const isStandIn = import.meta.resolve("@std/assert").startsWith("file:");
  const { code, err } = run(["deno", "run", "-A", `${root}tools/package.ts`], {
    env: { STD_SOURCE: isStandIn ? "npm" : "jsr" },
  });
  assertEquals(code, 0, err);
}

/** What the published command line says, and what that of the checkout. */
function both(...words: string[]): [published: Ended, checkout: Ended] {
  const folder = `${root}.package/`;
  const flags = ["--quiet", "--allow-ffi"];
  return [
    run([
      ...["deno", "run", `--config=${folder}deno.json`, ...flags],
      ...[`${folder}cli/cli.js`, ...words],
    ]),
    run([...deno, ...flags, script, ...words]),
  ];
}

Deno.test("the published command line says what that of the checkout does", () => {
  make();
  const rows = [
    ["--version"],
    ["--help"],
    ["monitor", "--help"],
    ["completion", "bash"],
    ["man"],
    ["limits", "set"],
    ["endpiont", "show"],
    ["-j", "endpoint", "add", "10.1"],
  ];
  for (const words of rows) {
    const [published, checkout] = both(...words);
    assertEquals(published, checkout, words.join(" "));
  }
});

Deno.test("the copyright line of @std/cli is in what is published", async () => {
  const notice = "// Copyright 2018-2026 the Deno authors. MIT license.\n";
  await using registry = serve(jsr(
    `${notice}export const parseArgs = (args: string[]) => ({ _: args });`,
  ));
  const DENO_DIR = Deno.makeTempDirSync({ prefix: "mptcp-" });
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `${root}tools/package.ts`],
      env: { STD_SOURCE: "jsr", JSR_URL: url(registry.addr), DENO_DIR },
    }).output();
    assertEquals(success, true);
  } finally {
    Deno.removeSync(DENO_DIR, { recursive: true });
  }
  const code = Deno.readTextFileSync(`${root}.package/cli/cli.js`);
  assertEquals(code.split("\n")[0], notice.trim());
});

liveTest("the published command line talks to the kernel", () => {
  make();
  const [published, checkout] = both("limits", "show");
  assertEquals(published, checkout);
  assertStringIncludes(published.out, "add_addr_accepted");
});
