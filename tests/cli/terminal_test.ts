/** Each way out of the screen, on a real terminal: it is left as it was. */
import { assert, assertEquals } from "@std/assert";
import { deno, root } from "../helpers/command_line.ts";
import {
  onTerminal,
  ptyMissing,
  type Session,
  type Step,
} from "../helpers/pty.ts";
import { liveTest } from "../helpers/live.ts";

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/** Checks what was written behind the screen, and the modes of the terminal. */
function assertLeft({ output, before, after }: Session, behind: RegExp): void {
  const parts = output.split(LEAVE);
  // Once for each time that it was entered: no more and no less.
  assertEquals(parts.length, output.split(ENTER).length);
  assert(parts.length > 1, output);
  for (const part of parts.slice(0, -1)) assert(part.includes(ENTER), output);
  assert(behind.test(parts.at(-1)!), parts.at(-1)!);
  if (after !== undefined) assertEquals(after, before);
}

const program = [...deno, "--allow-ffi", `${root}tests/programs/screen.ts`];

/** How it ends, what is done, the exit code, and what stands behind it. */
const WAYS: readonly (readonly [
  way: string,
  steps: readonly Step[],
  code: number,
  behind: RegExp,
])[] = [
  ["return", [], 0, /^$/],
  ["exit", [], 7, /^$/],
  ["throw", [], 1, /^[^]*thrown here[^]*\r\n$/],
  ["throw later", [], 1, /^[^]*thrown later[^]*\r\n$/],
  ["reject", [], 1, /^[^]*rejected[^]*\r\n$/],
  [
    "q",
    [
      // A key that is none of its letters, and Alt with one.
      { type: "w\x1b[1;5q\x1bOq\x1bqx" },
      { see: "key x" },
      { type: "q" },
    ],
    0,
    /^$/,
  ],
  // The read of the first screen goes on: its key is for the second.
  [
    "twice",
    [{ type: "q" }, { see: "a screen for twice" }, { type: "q" }],
    0,
    /^$/,
  ],
  ["Ctrl-C", [{ type: "\x03" }], 130, /^$/],
  ["Ctrl-\\", [{ type: "\x1c" }], 131, /^$/],
  ["SIGINT", [{ signal: "SIGINT" }], 130, /^$/],
  ["SIGTERM", [{ signal: "SIGTERM" }], 143, /^$/],
  ["SIGHUP", [{ signal: "SIGHUP" }], 129, /^$/],
  ...([
    ["SIGABRT", 134],
    ["SIGUSR2", 140],
    ["SIGPIPE", 141],
    ["SIGALRM", 142],
    ["SIGXCPU", 152],
    ["SIGXFSZ", 153],
    ["SIGVTALRM", 154],
    ["SIGPROF", 155],
    ["SIGIO", 157],
    ["SIGPWR", 158],
  ] as const).map(([signal, code]) =>
    [signal, [{ signal }], code, /^$/] as const
  ),
  ["SIGQUIT", [{ signal: "SIGQUIT" }], 131, /^$/],
  // There is no shell that would continue it: the kernel does not stop it.
  ["Ctrl-Z", [{ type: "\x1a" }, { see: ENTER }, { type: "q" }], 0, /^$/],
  ["SIGCONT", [{ signal: "SIGCONT" }, { see: ENTER }, { type: "q" }], 0, /^$/],
];

for (const [way, steps, code, behind] of WAYS) {
  liveTest(
    `the terminal is as it was after ${way}`,
    async () => {
      const session = await onTerminal([...program, way], [
        { see: `a screen for ${way}` },
        ...steps,
      ]);
      assertEquals(session.code, code, session.output);
      assertLeft(session, behind);
    },
    ptyMissing(),
  );
}

liveTest(
  "a program whose window is closed ends",
  async () => {
    const { code } = await onTerminal([...program, "hangup"], [
      { see: "a screen for hangup" },
      "hangup",
    ]);
    assertEquals(code, 129);
  },
  ptyMissing(),
);

liveTest(
  "a shell gets its terminal while the program is stopped, and gives it back",
  async () => {
    const shell = ["bash", "--norc", "--noediting", "-i"];
    const line = [...program, "fg"].map((word) => `'${word}'`).join(" ");
    const session = await onTerminal(shell, [
      { type: `PS1='read''y>'; ${line}\n` },
      { see: `a screen for fg` },
      { type: "\x1a" },
      { see: LEAVE },
      { see: "Stopped" },
      { type: "stty -a | grep -o ' icanon'; echo canon=$?\n" },
      { see: "canon=0" },
      { type: "fg\n" },
      { see: ENTER },
      { type: "xq" },
      { see: "key q" },
      { see: LEAVE },
      { see: "ready>" },
      { type: "exit\n" },
    ]);
    assertLeft(session, /exit/);
  },
  ptyMissing(),
);
