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
  // The port belongs to the address in front of it.
  "doctor to 10.77.1.2 443": '"port 443"',
  "connection to 10.77.1.2 443": '"port 443" or "interval 443"',
  "connection established": '"state established"',
  "record fin-wait-1": '"state fin-wait-1"',
  "limits show json": '"--json"',
  "version": '"--version"',
  // What is one word here, and there are two.
  "limits set subflows=2": '"subflows 2"',
  "limits subflows=2": '"limits set subflows 2"',
  "limits,show": '"limits show"',
  "endpoint add 10.0.2.1 signal,backup": '"signal backup"',
  "monitor event established,closed": '"established closed"',
  // Capitals, and the words of other programs.
  "LIMITS show": '"limits"',
  "endpoint SHOW": '"show"',
  "limits get": '"show"',
  "endpoint ls": '"show"',
  "endpoint rm id 3": '"delete"',
  "subflow remove": '"destroy"',
  "endpoint modify id 3 backup": '"change"',
  "limits change subflows 3": '"set"',
  "-v": '"-V"',
  "--JSON limits": '"--json"',
  "endpoint list eth1": '"show"',
  "list": '"endpoint show" or "limits show" or "connection show"',
  "endpoint add 10.0.2.1 device eth1": '"dev"',
  "limits set add-addr 2": '"add_addr_accepted"',
  "conns": '"conn"',
  // What stands in another order.
  "show limits": '"limits show"',
  "ls endpoints": '"endpoint show"',
  "endpoint id 3 delete": '"endpoint delete id 3"',
  "subflow token 5 create": '"subflow create token 5"',
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

/** Other lines that are wrong in a way of their own, and what is said of it. */
const OTHERS: Readonly<Record<string, RegExp>> = {
  "endpoint add 10.0.2.1 --dev eth1":
    /^mptcp: Unknown option "--dev"\nhint: did you mean "dev", without dashes\?$/m,
  "top --interval=2": /^hint: did you mean "interval", without dashes\?$/m,
  "endpoint add 10.0.2.1%eth1": /"10.0.2.1%eth1": a zone is not part of it/,
  "endpoint add address 10.0.2.1": /^hint: leave "address" out$/m,
  "endpoint add 10.0.2.1 flags signal": /^hint: leave "flags" out$/m,
  "endpoint add [fd00::1]": /"\[fd00::1\]": brackets are no part of it/,
  "connection to example.org":
    /^mptcp: Invalid address "example.org": an IPv4 or IPv6 address is needed$/m,
  "doctor to 10.0.0.1:443:1": /"10.0.0.1:443:1": it is a host and a port/,
  "apply --confirm FILE":
    /^mptcp: Incomplete option "--confirm": TIME is needed, and "FILE" is none$/m,
  "export mptcp.yaml":
    /^hint: "> FILE" at the end writes what it prints into a file$/m,
  "report /tmp/report": /^hint: "> FILE" at the end/m,
};

Deno.test("other slips are told by what they are", async () => {
  for (const [line, said] of Object.entries(OTHERS)) {
    const { code, err } = await run(line);
    assertEquals([line, code], [line, 255]);
    assertMatch(err, said);
  }
  // An address with a zone is a host, too.
  const { err } = await run("doctor to fe80::1%eth0");
  assertMatch(err, /The port of "fe80::1%eth0" is missing/);
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

/** What Deno says without a network, in all its forms, and what is told of it. */
const NOT_FETCHED: Readonly<Record<string, string>> = {
  "JSR package manifest for '@std/yaml' failed to load. Import 'https://jsr.io/@std/yaml/meta.json' failed.":
    "JSR package manifest for '@std/yaml' failed to load. Import 'https://jsr.io/@std/yaml/meta.json' failed.",
  "Import 'http://x.ts' failed.\n    0: client error (Connect)\n    1: Connection refused (os error 111)":
    "Import 'http://x.ts' failed: Connection refused (os error 111)",
  "Failed caching npm package 'yaml@2.9.1'\n    0: dns error\n    at file:///mod.ts:1:2":
    "Failed caching npm package 'yaml@2.9.1': dns error",
  'Failed loading https://registry.npmjs.org/yaml for package "yaml"\n    0: npm package not found in cache: "yaml", --cached-only is specified.':
    'Failed loading https://registry.npmjs.org/yaml for package "yaml": npm package not found in cache: "yaml", --cached-only is specified.',
};

Deno.test("each form of Deno to say that there is no network is known", () => {
  for (const [message, reason] of Object.entries(NOT_FETCHED)) {
    const error = Object.assign(new TypeError(message), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const { code, json } = describe(error, () => RERUN)!;
    assertEquals([code, json], [1, {
      error: `Cannot load a part of this program: ${reason}`,
      hint: "modules are fetched when they are first used, and then kept: " +
        "run this once where there is a network",
    }]);
  }
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
