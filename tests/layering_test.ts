/** The arrows between the rooms, and the rules for calls of the C library. */
import { assert, assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

/** The folders that may be here, and whether there is run-time code in them. */
const ROOMS: Readonly<Record<string, boolean>> = {
  codec: true,
  ffi: true,
  ops: true,
  cli: true,
  testing: true,
  tests: false,
  tools: false,
  bench: false,
  docs: false,
  examples: false,
  bin: false,
};

/** The files outside of all rooms that are run-time code. */
const DOORS = ["mod.ts", "cli.ts"];

/** What each file may import; of the rows, the first that fits it counts. */
const ARROWS: readonly (readonly [file: RegExp, imports: RegExp])[] = [
  [/^codec\//, /^codec\//],
  [/^ffi\//, /^(ffi|codec)\//],
  [/^ops\/transport\.ts$/, /^(codec|ops|ffi)\//],
  [/^ops\/errors\.ts$/, /^(codec|ops)\/|^ffi\/syscall_error\.ts$/],
  [/^ops\//, /^(codec|ops)\//],
  [/^testing\//, /^(testing|codec|ffi|ops)\/|^mod\.ts$/],
  [/^mod\.ts$/, /^(codec|ops)\/|^ffi\/(output|syscall_error)\.ts$/],
  [/^cli\.ts$/, /^cli\/|^mod\.ts$/],
  [
    /^cli\//,
    /^cli\/|^(mod\.ts|deno\.json)$|^codec\/mptcp_pm\.gen\.ts$|^@std\/(cli(\/.+)?|yaml)$/,
  ],
];

interface Import {
  /** As it is written; `""` where it is computed. */
  readonly specifier: string;
  /** Whether it is loaded only when it is come to. */
  readonly isLazy: boolean;
}

/** The imports of a module, in the form that `deno fmt` gives it. */
function importsOf(source: string): Import[] {
  const code = source.replaceAll(/^ *(\/\*|\*|\/\/).*$/gm, "");
  const statics = code.matchAll(
    /^(?:import|export)\s(?:[^"'`;]*?\sfrom\s+)?(["'])(.+?)\1/gm,
  );
  const dynamics = code.matchAll(/\bimport\(\s*(?:(["'])(.+?)\1\s*[,)])?/g);
  return [
    ...Array.from(statics, ([, , specifier]) => ({
      specifier: specifier!,
      isLazy: false,
    })),
    ...Array.from(dynamics, ([, , specifier = ""]) => ({
      specifier,
      isLazy: true,
    })),
  ];
}

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
    if (isDirectory) yield* filesIn(`${folder}${name}/`);
    else if (/\.[cm]?[jt]sx?$/.test(name)) yield folder + name;
  }
}

const entries = [...Deno.readDirSync(root)];
const isFolder = (name: string) =>
  entries.some((entry) => entry.name === name && entry.isDirectory);

/** All run-time code. */
const files = [
  ...DOORS.filter((door) => entries.some(({ name }) => name === door)),
  ...Object.keys(ROOMS).filter((room) => ROOMS[room] && isFolder(room))
    .flatMap((room) => [...filesIn(`${room}/`)]),
];

const read = (file: string) => Deno.readTextFileSync(new URL(file, root));

/** What a specifier leads to: a path from the root, or itself. */
function target(file: string, specifier: string): string {
  return specifier.startsWith(".")
    ? new URL(specifier, new URL(file, root)).href.replace(root.href, "")
    : specifier;
}

/** Whether a file may import this. */
function isAllowed(file: string, { specifier, isLazy }: Import): boolean {
  const [, imports] = ARROWS.find(([from]) => from.test(file))!;
  // It costs start-up time, and few need it.
  if (specifier === "@std/yaml" && !isLazy) return false;
  return imports.test(target(file, specifier));
}

Deno.test("there is no folder without a rule for it", () => {
  // What starts with a dot, and what is made here.
  const ignored = /^\.|^(coverage|node_modules)$/;
  const unknown = entries
    .filter(({ name, isDirectory }) => isDirectory && !ignored.test(name))
    .filter(({ name }) => !(name in ROOMS))
    .map(({ name }) => name);
  assertEquals(unknown, []);
});

Deno.test("there is no module outside of the rooms but the doors", () => {
  const modules = entries.filter(({ name }) => /\.[cm]?[jt]sx?$/.test(name));
  const others = modules.filter(({ name }) => !DOORS.includes(name));
  assertEquals(others.map(({ name }) => name), []);
});

Deno.test("no module imports what it may not", () => {
  assert(files.length > 30);
  const wrong = files.flatMap((file) =>
    importsOf(read(file)).filter((one) => !isAllowed(file, one))
      .map(({ specifier }) => `${file} imports "${specifier}"`)
  );
  assertEquals(wrong, []);
});

Deno.test("the rule for imports finds what is wrong, and nothing else", () => {
  const source = `
/** import { a } from "in/doc.ts"; import("in/doc.ts") */
/**
 * import { a } from "in/doc.ts";
 * await import("in/doc.ts");
 */
import a from "./a.ts";
import type {
  b,
} from "./b.ts";
export { c, type d } from "../ffi/c.ts";
export * from "npm:d";
import "node:e";
import json from "./f.json" with { type: "json" };
// import { g } from "in/comment.ts";
export const h = await import("jsr:@h/h");
type I = import("./i.ts").I;
const j = await import(
  "./j.ts"
);
const k = await import(\`./\${a}.ts\`);
export const text = "from here";
`;
  assertEquals(importsOf(source).map(({ specifier }) => specifier), [
    "./a.ts",
    "./b.ts",
    "../ffi/c.ts",
    "npm:d",
    "node:e",
    "./f.json",
    "jsr:@h/h",
    "./i.ts",
    "./j.ts",
    "",
  ]);
  const rows: [file: string, specifier: string, isAllowed: boolean][] = [
    ["codec/a.ts", "./b.ts", true],
    ["codec/a.ts", "../ffi/b.ts", false],
    ["codec/a.ts", "../ops/b.ts", false],
    ["codec/a.ts", "npm:b", false],
    ["codec/a.ts", "", false],
    ["ffi/a.ts", "./b.ts", true],
    ["ffi/a.ts", "../codec/b.ts", true],
    ["ffi/a.ts", "../ops/b.ts", false],
    ["ffi/a.ts", "node:net", false],
    ["ops/a.ts", "../codec/b.ts", true],
    ["ops/a.ts", "../ffi/syscall_error.ts", false],
    ["ops/hints.ts", "../ffi/syscall_error.ts", false],
    ["ops/transport.ts", "../ffi/netlink_socket.ts", true],
    ["ops/errors.ts", "../ffi/syscall_error.ts", true],
    ["ops/errors.ts", "../ffi/netlink_socket.ts", false],
    ["ops/event.ts", "../ffi/syscall_error.ts", false],
    ["ops/mode.ts", "../ffi/sysctl.ts", false],
    ["ops/a.ts", "@std/assert", false],
    ["ops/a.ts", "../mod.ts", false],
    ["ops/a.ts", "../testing/fake_kernel.ts", false],
    ["testing/a.ts", "../ops/transport.ts", true],
    ["testing/a.ts", "../mod.ts", true],
    ["testing/a.ts", "../cli/main.ts", false],
    ["testing/a.ts", "../tests/helpers/golden.ts", false],
    ["testing/a.ts", "@std/assert", false],
    ["mod.ts", "./testing/mod.ts", false],
    ["mod.ts", "./ops/a.ts", true],
    ["mod.ts", "./ffi/syscall_error.ts", true],
    ["mod.ts", "./ffi/output.ts", true],
    ["mod.ts", "./ffi/netlink_socket.ts", false],
    ["mod.ts", "@std/cli", false],
    ["cli.ts", "./cli/main.ts", true],
    ["cli.ts", "./mod.ts", true],
    ["cli.ts", "./ops/path_manager.ts", false],
    ["cli/a.ts", "../mod.ts", true],
    ["cli/a.ts", "../codec/mptcp_pm.gen.ts", true],
    ["cli/a.ts", "../codec/attrs.ts", false],
    ["cli/a.ts", "../ops/flags.ts", false],
    ["cli/a.ts", "../ffi/libc.ts", false],
    ["cli/a.ts", "../ffi/waiter.ts", false],
    ["cli/a.ts", "@std/cli/parse-args", true],
    ["cli/a.ts", "@std/yaml", false],
    ["cli/a.ts", "@std/assert", false],
    ["cli/a.ts", "jsr:@std/cli", false],
    ["cli/a.ts", "../tools/gen/main.ts", false],
  ];
  for (const [file, specifier, expected] of rows) {
    assertEquals(
      isAllowed(file, { specifier, isLazy: false }),
      expected,
      `${file} imports "${specifier}"`,
    );
  }
  assert(isAllowed("cli/a.ts", { specifier: "@std/yaml", isLazy: true }));
});

Deno.test("no run-time code uses what needs more than the path of libc", () => {
  const wrong = files.filter((file) =>
    /\bUnsafe[A-Z]/.test(withoutComments(file))
  );
  assertEquals(wrong, []);
});

function withoutComments(file: string): string {
  return read(file).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
}

const libcSource = read("ffi/libc.ts");

/** The functions of the C library in a table of `ffi/libc.ts`. */
const functions = [...libcSource.matchAll(
  /^ {2}(\w+): \{(.*\}|[^]*?^ {2}\}),$/gm,
)].map(([, name, body]) => ({ name: name!, body: body! }))
  .filter(({ body }) => body.includes("parameters:"));

Deno.test("each parameter of a C function has its declaration beside it", () => {
  const names = functions.map(({ name }) => name);
  for (const name of ["socket", "recvfrom", "poll", "ioctl", "setns"]) {
    assert(names.includes(name), `${name} is not found`);
  }
  const types = libcSource.match(/parameters:/g);
  assertEquals(names.length, types?.length, "tables that cannot be read");
  for (const { name, body } of functions) {
    const [, parameters] = body.match(/parameters: \[([^]*?)\]/)!;
    for (const line of parameters!.trim().split("\n").filter(Boolean)) {
      assert(/^\s*"\w+", \/\/ \w.+ \**\w+/.test(line), `${name}: ${line}`);
    }
  }
});

/** How functions are taken from a table of the C library, on one line. */
const TAKEN = /^ +const \{(.*)\} = (?:libc\(\)|this\.#symbols)\S*;$/gm;

/** The functions and methods of a module that call the C library. */
function callersIn(source: string): { symbols: string[]; body: string }[] {
  const heads = /^(?=(?: {2})?(?!(?:for|while|do|if|try) )[^\s}].*\{$)/m;
  return source.split(heads).flatMap((body) => {
    const symbols = Array.from(
      body.matchAll(TAKEN),
      ([, names]) => names!.match(/\w+/g)!,
    ).flat().filter((name) => functions.some((one) => one.name === name));
    // Without its first line, which may bear the name of the function.
    return symbols.length === 0
      ? []
      : [{ symbols, body: body.slice(body.indexOf("\n")) }];
  });
}

/** What is wrong with the calls of the C library in a module. */
function carelessCalls(source: string): string[] {
  return callersIn(source).flatMap(({ symbols, body }) =>
    symbols.filter((name) => name !== "memcpy").flatMap((name) => {
      const calls = body.match(new RegExp(`(?<![.#\\w])${name}\\(`, "g")) ?? [];
      const careful = body.match(
        new RegExp(
          `const \\w+ = ${name}\\([^;]*\\);\\n *memcpy\\(errno, \\w+, 4n\\);` +
            // On a thread of its own, which keeps its errno to itself.
            `|await ${name}\\(`,
          "g",
        ),
      ) ?? [];
      return calls.length > 0 && calls.length === careful.length ? [] : [name];
    })
  );
}

Deno.test("errno is copied by the statement that follows a call", () => {
  const modules = files.filter((file) => file.startsWith("ffi/"));
  const callers = modules.flatMap((file) => callersIn(read(file)));
  const checked = new Set(callers.flatMap(({ symbols }) => symbols));
  const unchecked = functions.map(({ name }) => name)
    .filter((name) => !checked.has(name));
  // close() frees the number whatever it says, the other one cannot fail.
  assertEquals(unchecked, ["__errno_location", "close"]);
  for (const file of modules) assertEquals(carelessCalls(read(file)), [], file);
  // All other ways to the tables: the constructor's, and that to close().
  const others = modules.filter((file) => file !== "ffi/libc.ts")
    .flatMap((file) =>
      withoutComments(file).replaceAll(TAKEN, "").split("\n")
        .filter((line) => /\blibc\(\)|\bsymbols\b/.test(line))
        .map((line) => line.trim())
    );
  assertEquals(
    others.map((line) => line.replace(/^if \(\w+ >= 0\) /, "")).filter((line) =>
      !/^libc\(\)\.symbols\.close\(\w+\);$/.test(line)
    ).toSorted(),
    [
      "({ symbols: this.#symbols, errnoPointer: this.#errnoPointer } = libc());",
      // An eventfd that does not block: it is to be empty, or full.
      "libc().file().read(eventfd, counter, 8n);",
      "libc().file().write(eventfd, counter, 8n);",
      'readonly #symbols: ReturnType<typeof libc>["symbols"];',
    ],
  );
});

Deno.test("the rule for errno finds what is wrong", () => {
  const careless = (statements: string) =>
    carelessCalls(`function f() {
  const { poll, memcpy } = libc().waiting();
${statements}
}
`);
  const rows: [statements: string, found: string[]][] = [
    ["  const a = poll(1);\n  memcpy(errno, pointer, 4n);", []],
    [
      "  const a = poll(\n    1,\n  );\n  memcpy(errno, pointer, 4n);",
      [],
    ],
    ["  const a = poll(1);\n  if (a < 0) memcpy(errno, pointer, 4n);", [
      "poll",
    ]],
    ["  const a = poll(1);\n  readErrno();", ["poll"]],
    ["  if (poll(1) < 0) memcpy(errno, pointer, 4n);", ["poll"]],
    ["  return poll(1);", ["poll"]],
    [
      "  const a = poll(1);\n  const b = a;\n  memcpy(errno, pointer, 4n);",
      ["poll"],
    ],
    ["  const a = await poll(1);", []],
    ["  // never called", ["poll"]],
  ];
  for (const [statements, found] of rows) {
    assertEquals(careless(statements), found, statements);
  }
});
