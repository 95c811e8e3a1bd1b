import { assertEquals, assertRejects } from "@std/assert";
import { listOf, mapOf, text, uint } from "../../config/checks.ts";
import { DocumentError, locator, readDocument } from "../../config/document.ts";

Deno.test("`readDocument()` makes of a document what is wanted", async () => {
  const check = mapOf({ "names!": listOf(text), count: uint });
  const count = (value: unknown) => {
    const { names, count } = value as { names: string[]; count?: number };
    const isRight = count === undefined || count === names.length;
    const fault = { path: ["count"], message: `there are ${names.length}` };
    return { result: names.length, faults: isRight ? [] : [fault] };
  };
  const read = (text: string) => readDocument(text, "x.yaml", check, count);
  assertEquals(await read("names: [a, b]\ncount: 2\n"), 2);
  const rows: [text: string, message: string][] = [
    ["names: [a]\ncount: 2\n", "x.yaml:2: there are 1"],
    ["", 'x.yaml:1: "document" must be a mapping, not null'],
    [
      "count: -1\nnames:\n- 1\n- b\n- 2\n",
      'x.yaml:1: "count" must be a whole number of 0 or more, not -1\n' +
      'x.yaml:3: "names" must be a string, not 1\n' +
      'x.yaml:5: "names" must be a string, not 2',
    ],
    [
      "\n\nname: a\n",
      'x.yaml:1: missing key "names"\n' +
      'x.yaml:3: unknown key "name"; allowed: names, count',
    ],
  ];
  for (const [text, message] of rows) {
    const error = await assertRejects(() => read(text), DocumentError);
    assertEquals(error.message, message);
    assertEquals(error.name, "DocumentError");
  }
});

Deno.test("`locator()` finds its way in every block style", () => {
  const text = `# comment
list:
- name: a   # in the column of its key
  do: &anchor
    x: 1
-
    name: b
    do: *anchor
    doc: |
      name: not a key
      - nor an item

    "quoted key": { flow: 1 }
    nested:
      - - deep
        - deeper: 1
last: [a, b]
`;
  const lineOf = locator(text);
  assertEquals(lineOf(["list"]), 2);
  assertEquals(lineOf(["list", 0]), 3);
  assertEquals(lineOf(["list", 0, "name"]), 3);
  assertEquals(lineOf(["list", 0, "do", "x"]), 5);
  assertEquals(lineOf(["list", 1]), 6);
  assertEquals(lineOf(["list", 1, "name"]), 7);
  assertEquals(lineOf(["list", 1, "do", "x"]), 8);
  assertEquals(lineOf(["list", 1, "doc"]), 9);
  assertEquals(lineOf(["list", 1, "quoted key", "flow"]), 13);
  assertEquals(lineOf(["list", 1, "nested", 0, 0]), 15);
  assertEquals(lineOf(["list", 1, "nested", 0, 1, "deeper"]), 16);
  assertEquals(lineOf(["list", 2]), 2);
  assertEquals(lineOf(["last", 1]), 17);
  assertEquals(lineOf([]), 1);
  assertEquals(locator(text.replaceAll("\n", "\r\n"))(["last"]), 17);
});
