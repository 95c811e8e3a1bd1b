import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../cli/words/grammar.ts";
import { duration, seconds } from "../../../cli/words/operands.ts";

Deno.test("a time is seconds, or has a unit", () => {
  const operand = duration("rto", "how long", "100ms", "2m");
  const read = (text: string) => operand.read("rto", () => text, undefined);
  const rows = { "2": 2, "0.5": 0.5, "500ms": 0.5, "3s": 3, "1.5m": 90 };
  for (const [text, expected] of Object.entries(rows)) {
    assertEquals([text, seconds("interval", text)], [text, expected]);
    assertEquals([text, read(text)], [text, expected * 1000]);
  }
  for (const text of ["", "s", "1h", "1 s", "-1", "1e3", "0x1", ".5", "1ss"]) {
    assertThrows(() => seconds("interval", text), UsageError, text);
    assertThrows(() => read(text), UsageError, text);
  }
  for (const text of ["0", "0.05", "99ms", "86401", "1441m"]) {
    assertThrows(() => seconds("interval", text), UsageError, text);
    assertThrows(() => read(text), UsageError, "from 100ms to 2m, such as 3s");
  }
});
