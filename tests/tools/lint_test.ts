import { assertEquals } from "@std/assert";
import plugin from "../../tools/lint.ts";

/** The rules that a file breaks, in the order of its lines. */
const brokenIn = (file: string, source: string): string[] =>
  Deno.lint.runPlugin(plugin, file, source).map(({ id }) => id);

Deno.test("errno is copied by the statement after a call of libc", () => {
  const take = "const { poll, memcpy } = libc().waiting();";
  const copy = "memcpy(errno, pointer, 4n);";
  const rows: [isKept: boolean, ...statements: string[]][] = [
    [true, take, "const a = poll(1);", copy],
    [true, take, "const a = poll(\n1,\n);", copy],
    [true, take, "// never called"],
    [true, take, "for (;;) {", "const a = poll(1);", copy, "}"],
    // On a thread of its own.
    [true, take, "const a = await poll(1);"],
    [true, "libc().symbols.close(fd);"],
    [true, "({ symbols: this.#symbols } = libc());"],
    // Other functions of these names.
    [true, "poll(1);"],
    [true, "{", take, "}", "poll(1);"],
    [true, take, "this.poll(1);"],
    [false, take, "const a = poll(1);", `if (a < 0) ${copy}`],
    [false, take, "const a = poll(1);", "readErrno();"],
    [false, take, "const a = poll(1);", "const b = a;", copy],
    [false, take, "const a = poll(1), b = 2;", copy],
    [false, take, "const a = poll(1) + 1;", copy],
    [false, take, "const a = poll(1);", "memcpy(errno, pointer, 8n);"],
    [false, take, `if (poll(1) < 0) ${copy}`],
    [false, take, "poll(1);"],
    [false, take, "return poll(1);"],
    [false, take, "const f = () => poll(1);"],
    [false, "const { symbols: { poll } } = libc();", "return poll(1);"],
    [false, "const { poll } = this.#symbols;", "return poll(1);"],
    [false, "libc().waiting().poll(1);"],
    [false, "this.#symbols.poll(1);"],
    [false, "const { symbols } = libc();", "symbols.poll(1);"],
    [false, "const all = libc();"],
    [false, "const all = libc().waiting();"],
  ];
  for (const [isKept, ...statements] of rows) {
    const source = `class A { async f() {\n${statements.join("\n")}\n} }`;
    const expected = isKept ? [] : ["mptcp/errno"];
    assertEquals(brokenIn("ffi/a.ts", source), expected, source);
    assertEquals(brokenIn("ops/a.ts", source), []);
  }
});

Deno.test("each parameter of a C function has its declaration beside it", () => {
  const rows: [parameters: string, missing: number][] = [
    ['[\n"i32", // int fd\n"buffer", // const void *buf\n]', 0],
    ['[\n"i32", // int timeout, in milliseconds\n]', 0],
    ['[\n"i32" // int fd\n]', 0],
    ["[]", 0],
    ['["i32"]', 1],
    ['[\n"i32", // int\n"i32",\n]', 2],
    ['[\n// int fd\n"i32",\n]', 1],
  ];
  for (const [parameters, missing] of rows) {
    const source = `const A = { f: { parameters: ${parameters} } };`;
    const expected = Array(missing).fill("mptcp/prototype");
    assertEquals(brokenIn("ffi/a.ts", source), expected, source);
  }
});

Deno.test("published code needs libc alone, and imports what can be seen", () => {
  const rows: [source: string, broken: string[]][] = [
    ["new Deno.UnsafeCallback(a, b);", ["mptcp/unsafe"]],
    ["const { UnsafePointer: A } = Deno;", ["mptcp/unsafe"]],
    ["type A = Deno.UnsafePointerView;", ["mptcp/unsafe"]],
    ["// Deno.UnsafePointer", []],
    ['await import("./a.ts");', []],
    ["await import(`./${a}.ts`);", ["mptcp/import"]],
    ["await import(a);", ["mptcp/import"]],
  ];
  for (const [source, broken] of rows) {
    assertEquals(brokenIn("cli/a.ts", source), broken, source);
    assertEquals(brokenIn("tests/a.ts", source), [], source);
  }
});
