/** What is said of errors: what somebody meant, and what could not be loaded. */
import { assertEquals, assertMatch } from "@std/assert";
import { describe } from "../../cli/failure.ts";
import { run as runProgram, script } from "../helpers/command_line.ts";
import { RERUN, run } from "../helpers/run_main.ts";

/** Lines that lack something, and what is proposed; nothing: nothing is. */
const ROWS: Readonly<Record<string, string | undefined>> = {
  "limits subflows 2": '"limits set subflows"',
  "limits set 2": '"subflows 2" or "add_addr_accepted 2"',
  "endpoint add 10.0.2.1 eth2 subflow": '"dev eth2"',
  "endpoint delete 3": '"id 3" or "port 3"',
  "doctor 10.77.1.2:443": '"to 10.77.1.2:443"',
  "doctor example.org": '"to example.org"',
  "doctor [fd00::1]:443": '"to [fd00::1]:443"',
  "connection 10.77.1.2": '"to 10.77.1.2" or "from 10.77.1.2"',
  "connection fd00::1": '"to fd00::1" or "from fd00::1"',
  "connection 1a6d021d": '"token 1a6d021d"',
  "top 2": '"interval 2"',
  "record 5s": '"for 5s" or "interval 5s"',
  "manage on-demand wlan*": '"dev wlan*"',
  "manage on-demand 500ms": '"rto 500ms" or "silence 500ms" or "health 500ms"',
  "subflow create token 5 10.0.0.1": '"laddr 10.0.0.1" or "raddr 10.0.0.1"',
  "report anonymize": '"--anonymize"',
  "show": '"endpoint show" or "limits show" or "connection show"',
  "flush": '"endpoint flush"',
  // A slip is more probable than a word too few.
  "endpoint add 10.0.2.1 singal": '"signal"',
  "doctor strct": undefined,
  "endpoint 10.0.0.1": undefined,
  "completion bash zsh": undefined,
  "schema eth1": undefined,
};

Deno.test("a line that lacks a word gets it proposed", async () => {
  for (const [line, words] of Object.entries(ROWS)) {
    const { code, err } = await run(line);
    const hint = err.match(/^hint: did you mean (.*)\?$/m)?.[1];
    assertEquals([line, code, hint], [line, 255, words]);
  }
});

/** Where nothing was ever fetched from. */
const NOWHERE = "https://jsr.io/@mptcp/none/";

/** Runs the program where a package of it has never been fetched. */
function withoutPackages(...words: readonly string[]) {
  const packages = ["@std/cli/parse-args", "@std/yaml"];
  const imports = Object.fromEntries(packages.map((name) => [
    name,
    `${NOWHERE}${name}.ts`,
  ]));
  const map = encodeURIComponent(JSON.stringify({ imports }));
  return runProgram([
    ...[
      "deno",
      "run",
      "--quiet",
      "--no-config",
      "--cached-only",
      "--allow-ffi",
    ],
    ...[`--import-map=data:application/json,${map}`, script, ...words],
  ]);
}

Deno.test("what was never fetched is told as that, not as a bug", () => {
  const error = (name: string) =>
    `Cannot load a part of this program: Specifier not found in cache: ` +
    `"${NOWHERE}${name}.ts", --cached-only is specified.`;
  const hint = "modules are fetched when they are first used, and then kept: " +
    "run this once where there is a network";
  assertEquals(withoutPackages("completion", "bash").code, 0);
  const { code, err } = withoutPackages("plan", "/dev/null");
  assertEquals([code, err], [
    1,
    `mptcp: ${error("@std/yaml")}\nhint: ${hint}\n`,
  ]);
  const json = withoutPackages("-j", "status");
  assertEquals([json.code, JSON.parse(json.err)], [
    1,
    { error: error("@std/cli/parse-args"), hint },
  ]);
});

Deno.test("a file of the program that is not there is told as that", async () => {
  const imported = (specifier: string): Promise<unknown> =>
    import(specifier).catch((error) => error);
  const missing = describe(await imported("./none.ts"), () => RERUN);
  assertEquals(missing?.code, 1);
  assertMatch(missing!.text, /program: Module not found "file:.*none\.ts"/);
  assertMatch(missing!.text, /\nhint: its files are not complete: install it/);
  // What is wrong in a file is a bug, and so is any other TypeError.
  const wrong = await imported("data:text/typescript,let let");
  assertMatch(`${wrong}`, /SyntaxError/);
  assertEquals(describe(wrong, () => RERUN), undefined);
  assertEquals(describe(new TypeError("x"), () => RERUN), undefined);
});
