/**
 * The command line as a program of its own.
 *
 * @module
 */

/** The folder of this checkout. */
export const root: string = decodeURIComponent(
  new URL("../../", import.meta.url).pathname,
);
/** What starts it where there is no deno yet, too. */
export const launcher: string = `${root}bin/mptcp`;
/** What `deno run` takes. */
export const script: string = `${root}cli.ts`;
const text = new TextDecoder();

/** What came of a process. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program that finds this very deno, without a terminal. */
export function run(command: readonly string[], options: {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
} = {}): Ended {
  const { code, stdout, stderr } = new Deno.Command(command[0]!, {
    args: command.slice(1),
    stdin: "null",
    ...options,
    env: { ...environment(), ...options.env },
  }).outputSync();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** Finds this very deno, and prints for no terminal. */
export function environment(): Record<string, string> {
  const folder = Deno.execPath().replace(/\/[^/]*$/, "");
  return {
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
    PATH: `${folder}:${Deno.env.get("PATH")}`,
  };
}

/** The flag that says where this run has @std/* from. */
function configFlag(): string {
  if (!import.meta.resolve("@std/assert").startsWith("file:")) {
    return `--config=${root}deno.json`;
  }
  const { out } = run(["deno", "run", "-A", `${root}tools/std/config.ts`], {
    env: { STD_SOURCE: "npm" },
    cwd: "/",
  });
  return out.trim();
}

/** Lets a cache of Deno have what this run has of JSR and npm, without a network. */
export function shareModules(folder: string): void {
  const { modulesCache, npmCache } = JSON.parse(
    run(["deno", "info", "--json"]).out,
  );
  Deno.symlinkSync(modulesCache, `${folder}/remote`);
  // Deno looks at each package where it starts, as it does at its other files.
  run(["cp", "-r", npmCache, `${folder}/npm`]);
}

/** Runs a script of this checkout, without any permission. */
export const deno: readonly string[] = ["deno", "run", configFlag()];

/** Words as a shell takes them. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}
