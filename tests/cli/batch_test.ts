import { assertEquals, assertMatch } from "@std/assert";
import { lines } from "../../cli/stdio.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { liveTest } from "../helpers/live.ts";
import { run } from "../helpers/run_main.ts";

/** Standard input, the options, exit code, output, and the lines that failed. */
const ROWS: readonly [
  input: string,
  options: string,
  code: number,
  out: string,
  failed: string[],
][] = [
  ["", "", 0, "", []],
  ["\n  \t\n# a comment\n", "", 0, "", []],
  ["mptcp limits\nlimits", "", 0, "LIMITS".repeat(2), []],
  ["mp limits show # all\r\n", "", 0, "LIMITS", []],
  ["limits \\\n show\n", "", 0, "LIMITS", []],
  ["'limits' \"show\"\n", "", 0, "LIMITS", []],
  ["limits\nendpoint show id 9\nlimits\n", "", 2, "LIMITS", ["2"]],
  ["\nlimits \\\nshow \\\nx\nlimits\n", "", 255, "", ["4"]],
  [
    "endpoint show id 9\nlimits\nfoo\nlimits\n",
    "-force",
    2,
    "LIMITS".repeat(2),
    ["1", "3"],
  ],
  ["foo\nendpoint show id 9\n", "--force", 255, "", ["1", "2"]],
  ["-b -\n", "", 255, "", ["1"]],
  ["plan -\n", "", 255, "", ["1"]],
  ["m limits\n", "", 255, "", ["1"]],
  ["-j limits\n", "", 0, '{"add_addr_accepted":0,"subflows":2}\n', []],
];

Deno.test("`mptcp -batch -` runs the lines of standard input as `ip` does", async () => {
  for (const [input, options, code, out, failed] of ROWS) {
    const ran = await run(
      `-batch - ${options}`.trim(),
      new FakeKernel(),
      undefined,
      input,
    );
    assertEquals([input, ran.code, ran.out], [
      input,
      code,
      out.replaceAll("LIMITS", "add_addr_accepted 0 subflows 2 \n"),
    ]);
    assertEquals(
      [...ran.err.matchAll(/^Command failed -:(\d+)$/gm)].map(([, at]) => at),
      failed,
      ran.err,
    );
  }
});

Deno.test("`mptcp -batch` gives its other options to each line", async () => {
  const { code, out, err, opened } = await run(
    "-n blue -j -p -batch - -force",
    new FakeKernel(),
    undefined,
    "limits\nendpoint show id 9\nlimits\n",
  );
  const limits = '{\n    "add_addr_accepted": 0,\n    "subflows": 2\n}\n';
  assertEquals([code, out], [2, limits + limits]);
  assertEquals(opened.map(({ netns }) => netns), ["blue", "blue", "blue"]);
  assertEquals(err.split("\n").slice(1), [
    '{"error":"Command failed -:2"}',
    "",
  ]);
});

// Live, since files are read through libc.
liveTest(
  "`mptcp -batch` reads a file, whatever its size, and says if there is none",
  async () => {
    const file = Deno.makeTempFileSync();
    try {
      Deno.writeTextFileSync(file, "limits\n".repeat(4000));
      const { code, out } = await run(["-b", file]);
      assertEquals([code, out.split("\n").length], [0, 4001]);
    } finally {
      Deno.removeSync(file);
    }
    const { code, err } = await run(["-b", file]);
    assertEquals([code, err], [
      1,
      `mptcp: Cannot read ${file}: there is no such file\n`,
    ]);
  },
);

Deno.test("`mptcp -batch` refuses what makes no sense of a file, and words beside it", async () => {
  const rows: [line: string, input: string, message: RegExp][] = [
    ["-b - limits", "", /^mptcp: Unknown word "limits": - has the commands\n/],
    ["-b -", 'limits "show\n', /^mptcp: Invalid line 1: .*\n/],
    ["-b -", "limits \\\n", /^mptcp: Incomplete line 1\n/],
    ["-b", "", /^mptcp: Incomplete option "-b": FILE is needed\n/],
  ];
  for (const [line, input, message] of rows) {
    const ran = await run(line, new FakeKernel(), undefined, input);
    assertEquals([line, ran.code, ran.out], [line, 255, ""]);
    assertMatch(ran.err, message);
  }
});

Deno.test("`lines()` gives each line as soon as it is complete", async () => {
  const seen: string[] = [];
  function* pieces() {
    for (const piece of ["a", "b\nc\n", "", "\nd", "e"]) {
      yield piece;
      seen.push("|");
    }
  }
  for await (const line of lines(pieces())) seen.push(line);
  assertEquals(seen.join(" "), "| ab c | |  | | de");
});
