import { assertEquals } from "@std/assert";
import { thrownText } from "../../codec/thrown.ts";

const circle = new Error("one");
circle.cause = new Error("two", { cause: circle });

Deno.test("whatever was thrown is told in a line", () => {
  const rows: readonly (readonly [thrown: unknown, text: string])[] = [
    [new Error("mine"), "mine"],
    [new TypeError("x is not a function"), "TypeError: x is not a function"],
    [
      new Error("one", { cause: new RangeError("two") }),
      "one: RangeError: two",
    ],
    [new Error("one", { cause: "two" }), 'one: "two"'],
    [circle, "one: two"],
    [new Error(), "an error without a message"],
    [new RangeError(""), "RangeError without a message"],
    [new Error("two\n  lines\n"), "two lines"],
    [Object.freeze(new Error("frozen")), "frozen"],
    [Object.assign(new Error(), { message: 5 }), "5"],
    [undefined, "undefined was thrown"],
    [null, "null was thrown"],
    ["text", '"text" was thrown'],
    ["", '"" was thrown'],
    [5n, "5 was thrown"],
    [Symbol("s"), "Symbol(s) was thrown"],
    [Object.freeze({ a: 1 }), '{"a":1} was thrown'],
    [Object.create(null), "{} was thrown"],
    [{ toJSON: () => undefined }, "[object Object] was thrown"],
    [{ a: 5n }, "something was thrown that has no text"],
    ["x".repeat(999), `"${"x".repeat(199)}… was thrown`],
    [
      new Proxy({}, {
        getPrototypeOf() {
          throw new Error("no");
        },
      }),
      "something was thrown that has no text",
    ],
  ];
  for (const [thrown, text] of rows) assertEquals(thrownText(thrown), text);
});
