/**
 * How long a whole process takes, from start to end: what somebody waits who
 * types a command.
 *
 * @module
 */

/** Rounds; each runs every command once, so that all see the same weather. */
const ROUNDS = 50;

const root = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** The commands by what they are called; all read, none changes anything. */
function commands(): Map<string, string[]> {
  const config = output([
    ...[Deno.execPath(), "run", "-A"],
    `${root}tools/std/config.ts`,
  ]).trim();
  const deno = [
    ...[Deno.execPath(), "run", "--quiet", "--allow-ffi"],
    ...config === "" ? [] : [config],
  ];
  const cli = [...deno, `${root}cli.ts`];
  return new Map([
    ["empty script", [...deno, `${root}bench/empty.ts`]],
    ["cli.ts --version", [...cli, "--version"]],
    ["cli.ts --help", [...cli, "--help"]],
    ["cli.ts limits show", [...cli, "limits", "show"]],
    ["cli.ts endpoint show", [...cli, "endpoint", "show"]],
    ["bin/mptcp endpoint show", [`${root}bin/mptcp`, "endpoint", "show"]],
    ["ip mptcp endpoint show", ["ip", "mptcp", "endpoint", "show"]],
  ]);
}

function output([program, ...args]: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program!, {
    args,
    cwd: root,
    env: {
      DENO_NO_UPDATE_CHECK: "1",
      // The launcher is to find the deno that measures.
      PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:${
        Deno.env.get("PATH")
      }`,
    },
    stdin: "null",
  }).outputSync();
  const text = new TextDecoder();
  if (success) return text.decode(stdout);
  throw new Error(
    `${[program, ...args].join(" ")}: ${text.decode(stderr).trim()}`,
  );
}

/** Whether a program is there; `ip` need not be. */
function runs(command: readonly string[]): boolean {
  try {
    output(command);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

/** Measures, and prints a table. */
export function startup(): void {
  // The first run fills caches, and shows whether the command works at all.
  const all = [...commands()].filter(([, command]) => runs(command));
  const times = all.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, [, command]] of all.entries()) {
      const start = performance.now();
      output(command);
      times[index]!.push(performance.now() - start);
    }
  }
  const medians = times.map(median);
  console.log(`Whole processes, median of ${ROUNDS} interleaved rounds\n`);
  console.log(`${"".padEnd(24)}${"ms".padStart(8)}${"ratio".padStart(8)}`);
  for (const [index, [name]] of all.entries()) {
    const ms = medians[index]!;
    console.log(
      name.padEnd(24) + ms.toFixed(1).padStart(8) +
        (ms / medians[0]!).toFixed(2).padStart(8),
    );
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!;
}
