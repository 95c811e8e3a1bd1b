/**
 * What this project relies on in `@std/*`, which holds for the packages of JSR
 * as for the stand-ins in `tools/std/`: run it with `STD_SOURCE=jsr` and `npm`.
 * Then how it is decided which of the two it is, and the launcher, which asks.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { parse, stringify } from "@std/yaml";
import { UsageError } from "../../cli/words/grammar.ts";
import { readLine } from "../../cli/words/options.ts";
import { jsr, serve, url } from "../helpers/jsr.ts";

const MODULE = "export const parseArgs = (args: string[]) => ({ _: args });";

const fails = (fn: () => unknown, message: string) =>
  assertThrows(fn, AssertionError, message);

Deno.test("`assert()` and its like throw an AssertionError when they do not hold", () => {
  const { name, message } = assertThrows(
    () => assert(0, "zero"),
    AssertionError,
  );
  assertEquals([name, message], ["AssertionError", "zero"]);
  fails(() => assertFalse(1, "one"), "one");
  fails(() => assertExists(null, "nothing"), "nothing");
  fails(() => assertExists(undefined, "nothing"), "nothing");
  fails(() => assertGreater(1, 1, "more"), "more");
  fails(() => assertGreaterOrEqual(1n, 2n, "more"), "more");
  fails(() => assertLess(1, 1, "less"), "less");
  fails(() => assertLessOrEqual("b", "a", "less"), "less");
  fails(() => assertAlmostEquals(1, 1.1, 0.01, "far"), "far");
  fails(() => assertInstanceOf([], Map, "no map"), "no map");
  fails(() => assertMatch("abc", /^b/, "start"), "start");
  fails(() => assertStringIncludes("abc", "cb", "order"), "order");
  fails(() => fail("on purpose"), "on purpose");
  fails(() => unreachable(), "");
});

Deno.test("`assert()` and its like pass when they hold", () => {
  assert("text");
  assertFalse("");
  assertExists(0);
  assertGreater(2, 1);
  assertGreaterOrEqual(1n, 1n);
  assertLess("a", "b");
  assertLessOrEqual(1, 1);
  assertAlmostEquals(1, 1 + 1e-9);
  assertInstanceOf(new RangeError(), Error);
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
});

Deno.test("`assertEquals()` compares deeply and strictly", () => {
  assertEquals({ a: [1, { b: 2n }] }, { a: [1, { b: 2n }] });
  assertEquals(new Uint8Array([1, 2]), new Uint8Array([1, 2]));
  assertEquals(new Map([["a", new Set([1])]]), new Map([["a", new Set([1])]]));
  assertEquals(NaN, NaN);
  const differ: [unknown, unknown][] = [
    [1, "1"],
    [1, 1n],
    [null, undefined],
    [{ a: undefined }, {}],
    [[1, 2], [1, 2, 3]],
    [new Uint8Array([1]), [1]],
    [new Uint8Array([1]), new Uint8Array([2])],
    [new Set([1]), new Set([2])],
    [new Date(0), new Date(1)],
  ];
  for (const [a, b] of differ) {
    fails(() => assertEquals(a, b, "unlike"), "unlike");
    assertNotEquals(a, b);
  }
  fails(() => assertNotEquals([1], [1], "alike"), "alike");
});

Deno.test("`assertStrictEquals()` compares identity", () => {
  const list = [1];
  assertStrictEquals(list, list);
  fails(() => assertStrictEquals(list, [1], "another"), "another");
});

Deno.test("`assertObjectMatch()` takes more than is expected, at any depth", () => {
  const actual = { a: 1, b: { c: [1, { d: 2, e: 3 }], f: 4 }, g: "g" };
  assertObjectMatch(actual, { a: 1, b: { c: [1, { d: 2 }] } });
  fails(() => assertObjectMatch(actual, { b: { c: [1, { d: 3 }] } }), "");
  fails(() => assertObjectMatch(actual, { h: undefined }), "");
});

Deno.test("`assertThrows()` returns the error and checks class and message", () => {
  const error = new RangeError("port out of range");
  const thrower = () => {
    throw error;
  };
  assertStrictEquals(assertThrows(thrower), error);
  assertStrictEquals(assertThrows(thrower, RangeError, "port"), error);
  assertStrictEquals(assertThrows(thrower, Error), error);
  fails(() => assertThrows(thrower, TypeError), "TypeError");
  fails(() => assertThrows(thrower, RangeError, "address"), "address");
  fails(() => assertThrows(() => 1, "quiet"), "quiet");
  fails(() => assertThrows(() => 1, Error, "", "quiet"), "quiet");
  fails(() =>
    assertThrows(() => {
      throw "text";
    }, Error), "non-Error");
});

Deno.test("`assertRejects()` resolves to the error and checks class and message", async () => {
  const error = new RangeError("port out of range");
  const rejecter = () => Promise.reject(error);
  const failsLater = (fn: () => Promise<unknown>, message: string) =>
    assertRejects(fn, AssertionError, message);
  assertStrictEquals(await assertRejects(rejecter), error);
  assertStrictEquals(await assertRejects(rejecter, RangeError, "port"), error);
  await failsLater(() => assertRejects(rejecter, TypeError), "TypeError");
  await failsLater(() => assertRejects(rejecter, Error, "address"), "address");
  await failsLater(() => assertRejects(() => Promise.resolve()), "reject");
  await failsLater(
    () =>
      assertRejects(() => {
        throw error;
      }),
    "throws",
  );
});

/** As the command line declares its options. */
function parseOptions(...argv: string[]) {
  const unknown: string[] = [];
  const args = parseArgs(argv, {
    boolean: ["json", "help", "version"],
    string: ["netns", "_"],
    alias: { json: "j", netns: "n", help: "h", version: "V" },
    stopEarly: false,
    unknown: (arg, key) => {
      if (key !== undefined) unknown.push(arg);
      return key === undefined;
    },
  });
  const json: boolean = args.json;
  const netns: string | undefined = args.netns;
  const words: string[] = args._.map(String);
  return { json, netns, words, unknown };
}

Deno.test("`parseArgs()` finds options anywhere and leaves words as they are", () => {
  const none = { json: false, netns: undefined, words: [], unknown: [] };
  const rows: [string, Partial<ReturnType<typeof parseOptions>>][] = [
    ["", {}],
    ["limits show", { words: ["limits", "show"] }],
    ["limits set 4 0x10 1e3 007", {
      words: ["limits", "set", "4", "0x10", "1e3", "007"],
    }],
    ["--json limits", { json: true, words: ["limits"] }],
    ["limits -j", { json: true, words: ["limits"] }],
    ["--json=false limits", { json: false, words: ["limits"] }],
    ["--netns ns1 limits", { netns: "ns1", words: ["limits"] }],
    ["--netns=a=b limits", { netns: "a=b", words: ["limits"] }],
    ["-n 42 limits", { netns: "42", words: ["limits"] }],
    ["-n42", { netns: "42" }],
    ["-n=x", { netns: "x" }],
    ["-n/run/netns/x", { netns: "/run/netns/x" }],
    ["-jn x limits", { json: true, netns: "x", words: ["limits"] }],
    ["limits -n", { netns: "", words: ["limits"] }],
    ["-n a -n b", { netns: "b" }],
    ["a -- --json -n", { words: ["a", "--json", "-n"] }],
    ["-", { words: ["-"] }],
    ["--what limits", { unknown: ["--what"] }],
    ["--what=1 -x", { unknown: ["--what=1", "-x"] }],
  ];
  for (const [line, expected] of rows) {
    const argv = line.split(" ").filter(Boolean);
    assertEquals(parseOptions(...argv), { ...none, ...expected }, line);
  }
});

Deno.test("the command line refuses what releases of `parseArgs()` read in different ways", async () => {
  // Some throw, or take an empty value for the option.
  const differ = [
    ...["--_=x", "--_", "-_", "-_=x", "-j_", "-_n", "--no-_", "--_.x"],
    ...["--netns=", "-n=", "--json=", "-j=", "-jn=", "--batch=", "-b="],
    ...["--quiet=", "--no-json=", "--=", "-="],
  ];
  for (const arg of differ) {
    for (const line of [[arg], ["limits", arg], [arg, "limits", "show"]]) {
      await assertRejects(
        () => readLine(line),
        UsageError,
        `Unknown option "${arg}"`,
      );
    }
    // As the name of a device, and behind `--`, it is a word as any other.
    const line = ["endpoint", "add", "10.0.0.1", "dev", arg];
    assertEquals((await readLine(line)).words, line);
    const { words, plain } = await readLine(["limits", "--", arg]);
    assertEquals([words, plain], [["limits", arg], 1]);
  }
});

Deno.test("`parseArgs()` sets aliases, defaults and what follows `--`", () => {
  const args = parseArgs(["-j", "1", "word", "--", "-x"], {
    boolean: ["json"],
    string: ["color"],
    alias: { json: ["j", "J"] },
    default: { color: "auto" },
    "--": true,
  });
  const color: string = args.color;
  assertEquals(color, "auto");
  assertEquals<unknown>({ ...args }, {
    json: true,
    j: true,
    J: true,
    color: "auto",
    _: [1, "word"],
    "--": ["-x"],
  });
});

Deno.test("`parseArgs()` takes all after the first word with `stopEarly`", () => {
  const args = parseArgs(["-j", "add", "-j", "1"], {
    boolean: ["j"],
    stopEarly: true,
  });
  assertEquals<unknown>({ ...args }, { j: true, _: ["add", "-j", "1"] });
});

const document = `
# A comment.
name: mptcp_pm
version: 1
flags: [a, "b c", 'd']
text: >-
  folded
  lines
list:
  - {id: 1, hex: 0x1f, ok: true, none: ~}
  - &anchor
    id: 2
  - *anchor
`;

Deno.test("`parse()` reads maps, lists, scalars, comments and anchors", () => {
  assertEquals(parse(document), {
    name: "mptcp_pm",
    version: 1,
    flags: ["a", "b c", "d"],
    text: "folded lines",
    list: [{ id: 1, hex: 31, ok: true, none: null }, { id: 2 }, { id: 2 }],
  });
  assertEquals(parse(""), null);
});

Deno.test("`parse()` throws a SyntaxError that has line, column and offset", () => {
  assertThrows(() => parse("a: 1\nb: [1, 2\nc: 3\n"), SyntaxError, "line 3");
  const error = assertThrows(
    () => parse("a: 1\na: 2\n"),
    SyntaxError,
    "line 2",
  );
  assertObjectMatch(error, { line: 2, column: 1, offset: 5 });
  assertThrows(() => parse("--- 1\n--- 2\n"), SyntaxError);
});

Deno.test("`parse()` gives texts alone with the failsafe schema", () => {
  const text =
    "a: [012, 1_000, no, ~, 2024-01-01, 0x1f]\nb:\n<<: { c: true }\n";
  assertEquals(parse(text, { schema: "failsafe" }), {
    a: ["012", "1_000", "no", "~", "2024-01-01", "0x1f"],
    b: null,
    "<<": { c: "true" },
  });
});

Deno.test("`stringify()` writes what `parse()` reads", () => {
  const value = { a: [1, { b: "0x10" }], c: null, d: "", e: "multi\nline" };
  assertEquals(parse(stringify(value)), value);
  assertEquals(stringify({ a: [1, { b: "x" }] }), "a:\n  - 1\n  - b: x\n");
  assertThrows(() => stringify({ f: () => 1 }), TypeError);
});

/** Where the C library may be, in the order in which it is looked for. */
const libcs = [
  `/lib/${Deno.build.arch}-linux-gnu`,
  `/usr/lib/${Deno.build.arch}-linux-gnu`,
  "/lib64",
  "/usr/lib64",
  "/usr/lib",
  "/lib",
  "/usr/local/lib",
].map((folder) => `${folder}/libc.so.6`);

const exists = (path: string) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

/** A checkout of its own for each test: what is here, and a small cli.ts. */
function checkout(): { root: string; [Symbol.dispose](): void } {
  const root = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "mptcp  std" }),
  );
  const here = new URL("../../", import.meta.url);
  for (const folder of ["assert", "cli", "yaml"]) {
    Deno.mkdirSync(`${root}/tools/std/${folder}`, { recursive: true });
  }
  Deno.mkdirSync(`${root}/bin`);
  for (
    const file of [
      "deno.json",
      "bin/mptcp",
      "tools/std/config.ts",
      "tools/std/assert/deno.json",
      "tools/std/assert/mod.ts",
      "tools/std/cli/deno.json",
      "tools/std/cli/parse_args.ts",
      "tools/std/yaml/deno.json",
      "tools/std/yaml/mod.ts",
    ]
  ) Deno.copyFileSync(new URL(file, here), `${root}/${file}`);
  Deno.writeTextFileSync(
    `${root}/cli.ts`,
    `import { parseArgs } from "@std/cli/parse-args";
    const { _ } = parseArgs(Deno.args, { string: ["_"] });
    const may = (ffi: Omit<Deno.FfiPermissionDescriptor, "name">) =>
      Deno.permissions.querySync({ name: "ffi", ...ffi }).state === "granted";
    console.log(JSON.stringify({
      args: Deno.args,
      cwd: Deno.cwd(),
      any: may({}),
      libc: ${JSON.stringify(libcs)}.filter((path) => may({ path })),
      read: Deno.permissions.querySync({ name: "read" }).state === "granted",
    }));
    Deno.exit(Number(_[0]));`,
  );
  return {
    root,
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}

async function run(
  command: string,
  args: string[],
  cwd: string,
  env: Record<string, string>,
): Promise<{ code: number; out: string; err: string }> {
  const folder = Deno.execPath().replace(/\/[^/]*$/, "");
  // The copies are gone when coverage is counted.
  const { DENO_COVERAGE_DIR: _, ...inherited } = Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    clearEnv: true,
    env: {
      ...inherited,
      CI: "",
      NO_COLOR: "1",
      PATH: `${folder}:${inherited["PATH"]}`,
      ...env,
    },
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

const decide = (
  root: string,
  env: Record<string, string>,
  { cwd = root, args = [] as string[] } = {},
) =>
  run(
    Deno.execPath(),
    ["run", "-A", `${root}/tools/std/config.ts`, ...args],
    cwd,
    env,
  );

const names = (folder: string) =>
  [...Deno.readDirSync(folder)].map((e) => e.name);

Deno.test("`config.ts` prints and writes nothing where std comes from JSR", async () => {
  using copy = checkout();
  const before = names(copy.root);
  assertEquals(await decide(copy.root, { STD_SOURCE: "jsr" }), {
    code: 0,
    out: "",
    err: "",
  });
  assertEquals(names(copy.root), before);
});

Deno.test("`config.ts` writes deno.json with links where std comes from npm", async () => {
  using copy = checkout();
  const env = { STD_SOURCE: "npm" };
  const { out } = await decide(copy.root, env);
  assertEquals(out, "--config=deno.npm.json\n");
  const read = (name: string) =>
    JSON.parse(Deno.readTextFileSync(`${copy.root}/${name}`));
  assertEquals(read("deno.npm.json"), {
    ...read("deno.json"),
    links: ["./tools/std/assert", "./tools/std/cli", "./tools/std/yaml"],
    lock: { path: "./tools/std/deno.lock", frozen: false },
  });
  await decide(copy.root, { ...env, CI: "true" });
  assertEquals(read("deno.npm.json").lock.frozen, true);
});

Deno.test("`config.ts` leaves an up-to-date config alone and names it from anywhere", async () => {
  using copy = checkout();
  const env = { STD_SOURCE: "npm" };
  const path = `${copy.root}/deno.npm.json`;
  await decide(copy.root, env);
  const { ino } = Deno.statSync(path);
  const { out } = await decide(copy.root, env, { cwd: "/" });
  assertEquals(out, `--config=${path}\n`);
  assertEquals(Deno.statSync(path).ino, ino);
});

Deno.test("`config.ts` may run many times at once", async () => {
  using copy = checkout();
  const runs = Array.from(
    { length: 6 },
    (_, i) => decide(copy.root, { STD_SOURCE: "npm", CI: i % 2 ? "1" : "" }),
  );
  for (const { out } of await Promise.all(runs)) {
    assertEquals(out, "--config=deno.npm.json\n");
  }
  assertEquals(
    names(copy.root).filter((name) => name.startsWith("deno.")).sort(),
    ["deno.json", "deno.npm.json"],
  );
});

Deno.test("`config.ts` refuses any other STD_SOURCE, and so does what uses it", async () => {
  using copy = checkout();
  const { code, out, err } = await decide(copy.root, { STD_SOURCE: "cdn" });
  assertEquals(code, 1);
  assertStringIncludes(err, `STD_SOURCE must be "jsr" or "npm", not "cdn"`);
  const next = await run(
    Deno.execPath(),
    ["eval", out.trim(), "console.log('started')"],
    copy.root,
    {},
  );
  assertEquals([next.code, next.out], [1, ""]);
});

Deno.test("`config.ts` asks JSR when nothing is said and nothing cached", async () => {
  using copy = checkout();
  const ask = async (JSR_URL: string) => {
    const DENO_DIR = `${copy.root}/cache`;
    return (await decide(copy.root, { STD_SOURCE: "", DENO_DIR, JSR_URL })).out;
  };
  {
    await using registry = serve(jsr(MODULE));
    assertEquals(await ask(url(registry.addr)), "");
  }
  {
    await using portal = serve(() => new Response("<p>Please pay"));
    assertMatch(await ask(url(portal.addr)), /^--config=/);
  }
  {
    // Takes the connection and never answers.
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    assertMatch(await ask(url(silent.addr)), /^--config=/);
  }
});

Deno.test("`config.ts` does not ask JSR for what is cached", async () => {
  using copy = checkout();
  let requests = 0;
  await using registry = serve((request) => {
    requests++;
    return jsr(MODULE)(request);
  });
  const env = {
    STD_SOURCE: "",
    DENO_DIR: `${copy.root}/cache`,
    JSR_URL: url(registry.addr),
  };
  const modules = ["assert@^1", "cli@^1/parse-args", "yaml@^1.2"]
    .map((name) => `jsr:@std/${name}`);
  const args = ["cache", "--no-config", ...modules];
  assertEquals((await run(Deno.execPath(), args, copy.root, env)).code, 0);
  assertGreater(requests, 0);
  requests = 0;
  assertEquals((await decide(copy.root, env)).out, "");
  assertEquals(requests, 0);
});

Deno.test("`config.ts --tree` gives a folder for doc and publish", async () => {
  using copy = checkout();
  const args = ["--tree"];
  const jsr = await decide(copy.root, { STD_SOURCE: "jsr" }, { args });
  assertEquals(jsr.out, ".\n");

  const npm = await decide(copy.root, { STD_SOURCE: "npm" }, { args });
  const tree = npm.out.trim();
  const config = JSON.parse(Deno.readTextFileSync(`${tree}/deno.json`));
  assert(names(tree).includes("cli.ts"));
  Deno.removeSync(tree, { recursive: true });
  assertEquals(config.links[0], `${copy.root}/tools/std/assert`);

  const inTree = await decide(copy.root, { STD_SOURCE: "npm" }, {
    args: ["--tree", "eval", "console.log(Deno.cwd()); Deno.exit(7)"],
  });
  assertEquals(inTree.code, 7);
  assertThrows(() => Deno.statSync(inTree.out.trim()), Deno.errors.NotFound);
});

Deno.test("`bin/mptcp` runs cli.ts from anywhere with libc as its only permission", async () => {
  using copy = checkout();
  const env = { STD_SOURCE: "npm" };
  const libc = libcs.find(exists);
  const link = `${copy.root}/a link`;
  Deno.symlinkSync("bin/mptcp", link);
  for (const [command, cwd] of [["./bin/mptcp", copy.root], [link, "/"]]) {
    const { code, out } = await run(
      command!,
      ["7", "a  b", "", "*"],
      cwd!,
      env,
    );
    assertEquals(code, 7);
    assertEquals(JSON.parse(out), {
      args: ["7", "a  b", "", "*"],
      cwd,
      any: !libc,
      libc: libc ? [libc] : libcs,
      read: false,
    });
  }
});

Deno.test("`bin/mptcp` decides once, until deno.json or STD_SOURCE changes", async () => {
  using copy = checkout();
  const decided = `${copy.root}/.std/args`;
  const launch = async (source: string) => {
    const env = { STD_SOURCE: source };
    return (await run("bin/mptcp", ["0"], copy.root, env)).code;
  };
  const inode = () => Deno.statSync(decided).ino;
  assertEquals(await launch("npm"), 0);
  assertMatch(
    Deno.readTextFileSync(decided),
    /^npm \w+ --config=deno\.npm\.json \/.*\n$/,
  );
  const first = inode();
  assertEquals(await launch("npm"), 0);
  assertEquals(inode(), first);

  const later = new Date(Date.now() + 60_000);
  Deno.utimeSync(`${copy.root}/deno.json`, later, later);
  assertEquals(await launch("npm"), 0);
  assertNotEquals(inode(), first);

  assertEquals(await launch("cdn"), 1);
});

Deno.test("`bin/mptcp` falls back to the stand-ins where JSR cannot be reached", async () => {
  using copy = checkout();
  let origin: string;
  const launch = async (cache: string) => {
    const DENO_DIR = `${copy.root}/${cache}`;
    const env = { STD_SOURCE: "", DENO_DIR, JSR_URL: origin };
    const { code, err } = await run("bin/mptcp", ["0"], copy.root, env);
    assertEquals([code, err], [0, ""], cache);
    return Deno.readTextFileSync(`${copy.root}/.std/args`).split(" ")[2];
  };
  {
    await using registry = serve(jsr(MODULE));
    origin = url(registry.addr);
    assertEquals(await launch("one cache"), "--config=deno.json");
  }
  assertEquals(await launch("another"), "--config=deno.npm.json");
});

Deno.test("`bin/mptcp` finds the deno of the user who typed sudo, or says what to type", async () => {
  using copy = checkout();
  const home = `${copy.root}/home`;
  Deno.mkdirSync(`${home}/.deno/bin`, { recursive: true });
  const programs = `${copy.root}/programs`;
  Deno.mkdirSync(programs);
  for (const name of ["dirname", "readlink", "cut", "uname", "mkdir", "mv"]) {
    Deno.symlinkSync(`/usr/bin/${name}`, `${programs}/${name}`);
  }
  Deno.writeTextFileSync(
    `${programs}/getent`,
    `#!/bin/sh\n[ "$*" = "passwd a" ] && echo 'a:x:1000:1000::${home}:/bin/sh'\n`,
    { mode: 0o755 },
  );
  const env = { PATH: programs, HOME: copy.root, STD_SOURCE: "npm" };
  const launch = (SUDO_USER: string) =>
    run("bin/mptcp", ["7"], copy.root, { ...env, DENO_INSTALL: "", SUDO_USER });
  const { code, err } = await launch("a");
  assertEquals(code, 127);
  assertStringIncludes(
    err,
    `to keep yours: sudo env "PATH=$PATH" '${copy.root}/bin/mptcp' ...\n`,
  );
  Deno.symlinkSync(Deno.execPath(), `${home}/.deno/bin/deno`);
  assertEquals((await launch("a")).code, 7);
  assertEquals((await launch("b")).code, 127);
});

Deno.test("`bin/mptcp` says how to get deno where there is none", async () => {
  using copy = checkout();
  const { code, err } = await run("bin/mptcp", [], copy.root, {
    PATH: copy.root,
    HOME: copy.root,
    DENO_INSTALL: "",
  });
  assertEquals(code, 127);
  assertEquals(
    err,
    `mptcp: no deno here; with npm: npx -y -p deno@2.9.6 '${copy.root}/bin/mptcp' ...\n`,
  );
});
