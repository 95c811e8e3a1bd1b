import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../../cli/words/grammar.ts";
import { readLine } from "../../../cli/words/options.ts";
import { expand, OPTIONS_OF_IP } from "../../helpers/lines_of_ip.ts";

/** The options of `ip` that have a meaning here, and which. */
const GIVEN: { readonly [option: string]: string } = {
  "-j": "json",
  "-p": "pretty",
  "-t": "timestamp",
  "-ts": "tshort",
  "-fo": "force",
  "-n": "netns",
  "-netns": "netns",
};

Deno.test("`readLine()` takes the options of `ip` with one dash or two, and drops what has no effect", async () => {
  for (const pattern of OPTIONS_OF_IP) {
    const given = GIVEN[pattern.split(/\[| /)[0]!];
    for (const option of expand(pattern)) {
      for (const dashes of [option, `-${option}`]) {
        // Options of one letter have one dash with `ip`, or two.
        const line = [...dashes.split(" "), "limits", "show"];
        const { words, given: found } = await readLine(line);
        assertEquals([dashes, words, [...found]], [
          dashes,
          ["limits", "show"],
          given === undefined ? [] : [given],
        ]);
      }
    }
  }
});

Deno.test("`readLine()` reads what stands behind an option of `ip` as its value", async () => {
  const rows: [line: string, netns: string | undefined, batch?: string][] = [
    ["-net blue -b -", "blue", "-"],
    ["-bat f -force", undefined, "f"],
    ["--netns blue -4 -c=never -f inet", "blue"],
    ["-rc 5 -l 3 -n -j", "-j"],
    ["-4 -netns=blue -iec", "blue"],
  ];
  for (const [line, netns, batch] of rows) {
    const found = await readLine([...line.split(" "), "limits"]);
    assertEquals([line, found.values.netns, found.values.batch, found.words], [
      line,
      netns,
      batch,
      ["limits"],
    ]);
  }
});

Deno.test("`readLine()` takes options of `ip` in front of the object only, and none of ours shortened", async () => {
  const lines = [
    ...["limits -4", "limits -netns blue", "limits show -br", "limits -tsh"],
    ...["-tr limits", "-ex limits", "-explain limits", "--ver limits"],
    ...["-color=x limits", "-x limits", "-c:never limits"],
  ];
  for (const line of lines) {
    await assertRejects(() => readLine(line.split(" ")), UsageError, "", line);
  }
});

Deno.test("`readLine()` refuses a value of an option that takes none", async () => {
  for (
    const arg of [
      ...["--prune=false", "--dry-run=no", "--json=true", "-j=0", "-qj=0"],
      ...["--trace=x", "--rollback=--"],
    ]
  ) {
    await assertRejects(
      () => readLine(["apply", arg, "f"]),
      UsageError,
      `Invalid option "${arg}": `,
      arg,
    );
  }
  const taken = await readLine(["apply", "--confirm=5", "-n=x", "--", "-j=0"]);
  assertEquals([taken.values.confirm, taken.values.netns], ["5", "x"]);
  assertEquals(taken.words, ["apply", "-j=0"]);
});
