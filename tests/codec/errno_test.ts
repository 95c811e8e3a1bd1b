import { assertEquals } from "@std/assert";
import { errnoName, errnoText } from "../../codec/errno.ts";

/** The numbers that end before 134, except those that Linux does not have. */
const NUMBERS = Array.from({ length: 133 }, (_, index) => index + 1)
  .filter((number) => ![41, 58, 133].includes(number));

// Bound here: the sanitizer would take it for a leak of a test.
const { symbols: system } = Deno.dlopen("libc.so.6", {
  strerror: { parameters: ["i32"], result: "pointer" },
  strerrorname_np: { parameters: ["i32"], result: "pointer", optional: true },
});

function textAt(pointer: Deno.PointerValue): string | undefined {
  return pointer === null
    ? undefined
    : new Deno.UnsafePointerView(pointer).getCString();
}

/** The names of this system, from its C library or its headers. */
function systemNames(): Map<number, string | undefined> {
  const { strerrorname_np: nameOf } = system;
  if (nameOf) return new Map(NUMBERS.map((n) => [n, textAt(nameOf(n))]));
  const headers = ["errno-base.h", "errno.h"].map((file) =>
    Deno.readTextFileSync(`/usr/include/asm-generic/${file}`)
  );
  const defines = headers.join("").matchAll(/^#define\s+(E\w+)\s+(\d+)\b/gm);
  return new Map(
    [...defines].map(([, name, number]) => [Number(number), name!]),
  );
}

Deno.test("`errnoName()` has the names of the system", () => {
  const names = systemNames();
  assertEquals(
    NUMBERS.map((number) => [number, errnoName(number)]),
    NUMBERS.map((number) => [number, names.get(number)!]),
  );
});

Deno.test("`errnoText()` has the words of the C library", () => {
  assertEquals(
    NUMBERS.map((number) => [number, errnoText(number)]),
    NUMBERS.map((number) => [number, textAt(system.strerror(number))!]),
  );
});

Deno.test("`errnoName()` and `errnoText()` know those that mptcp_pm answers with", () => {
  const rows: [number, string, string][] = [
    [1, "EPERM", "Operation not permitted"],
    [2, "ENOENT", "No such file or directory"],
    [3, "ESRCH", "No such process"],
    [12, "ENOMEM", "Cannot allocate memory"],
    [16, "EBUSY", "Device or resource busy"],
    [17, "EEXIST", "File exists"],
    [19, "ENODEV", "No such device"],
    [22, "EINVAL", "Invalid argument"],
    [24, "EMFILE", "Too many open files"],
    [34, "ERANGE", "Numerical result out of range"],
    [95, "EOPNOTSUPP", "Operation not supported"],
    [98, "EADDRINUSE", "Address already in use"],
    [99, "EADDRNOTAVAIL", "Cannot assign requested address"],
    [101, "ENETUNREACH", "Network is unreachable"],
    [105, "ENOBUFS", "No buffer space available"],
    [107, "ENOTCONN", "Transport endpoint is not connected"],
  ];
  for (const [number, name, text] of rows) {
    assertEquals([errnoName(number), errnoText(number)], [name, text]);
  }
});

Deno.test("`errnoName()` and `errnoText()` leave unknown numbers as they are", () => {
  for (const number of [0, 41, 58, 133, 4095, -1]) {
    assertEquals(errnoName(number), `E${number}`);
    assertEquals(errnoText(number), `Unknown error ${number}`);
  }
});
