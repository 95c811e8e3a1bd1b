/**
 * One run of the command line.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { Netns, PathManager, PathManagerOptions } from "../mod.ts";
import deno from "../deno.json" with { type: "json" };
import { completion } from "./words/completion.ts";
import { describe, EXIT_USAGE } from "./failure.ts";
import { type Output, type Stop, UsageError } from "./words/grammar.ts";
import { help, usage } from "./words/help.ts";
import { findCommand, type Found, readOperands } from "./words/parse.ts";
import { jsonLine, printable } from "./printable.ts";

/** The world around a run. */
export interface Surroundings {
  /** Writes to standard output. */
  readonly out: (text: string) => void;
  /** Writes to standard error. */
  readonly err: (text: string) => void;
  /** Opens the path manager. */
  readonly open: (options: PathManagerOptions) => PathManager;
  /** Looks out for what stops a command that goes on. */
  readonly stop: () => Stop;
  /** The command line that has the permission to call libc. */
  readonly rerun: () => string;
}

/**
 * Runs one command line.
 *
 * @param args The words behind the program's name.
 * @returns The exit code.
 */
export async function main(
  args: readonly string[],
  around: Surroundings,
): Promise<number> {
  let json = args.includes("-j") || args.includes("--json");
  let found: Found | undefined;
  try {
    const options = readOptions(args);
    json = options.json;
    if (options.version) {
      around.out(`mptcp ${deno.version}\n`);
      return 0;
    }
    found = findCommand(options.words, options.help);
    return await run(found, options, around);
  } catch (error) {
    const failure = describe(
      error,
      around.rerun,
      found?.command && usage(found.command),
    );
    around.err(json ? jsonLine(failure.json) : printable(failure.text));
    return failure.code;
  }
}

interface Options {
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
  readonly timestamp: boolean;
  readonly explain: boolean;
  readonly netns?: Netns;
  readonly words: readonly string[];
}

function readOptions(args: readonly string[]): Options {
  const parsed = parseArgs([...args], {
    boolean: ["json", "timestamp", "explain", "help", "version"],
    string: ["netns", "_"],
    alias: { json: "j", netns: "n", timestamp: "t", help: "h", version: "V" },
    unknown(arg, key) {
      if (key === undefined) return true;
      if (/^-\d/.test(arg)) {
        throw new UsageError(`Invalid number "${arg}": none is negative`);
      }
      throw new UsageError(
        `Unknown option "${arg}": known are -j, -n NETNS, -t, --explain, ` +
          "--help, --version",
      );
    },
  });
  // Declared only for what has no name.
  if (!Array.isArray(parsed._)) throw new UsageError('Unknown option "--_"');
  const { json, timestamp, explain, help, version, netns } = parsed;
  if (netns === "") {
    throw new UsageError('Incomplete option "-n": NAME, PATH or PID is needed');
  }
  return {
    json,
    help,
    version,
    timestamp,
    explain,
    words: parsed._.map(String),
    // A namespace whose name is a number can still be given by its path.
    ...netns !== undefined &&
      { netns: /^\d+$/.test(netns) ? Number(netns) : netns },
  };
}

async function run(
  { path, command, rest, help: isHelp }: Found,
  { json, netns, timestamp, explain }: Options,
  around: Surroundings,
): Promise<number> {
  if (isHelp || path.length === 0) {
    (isHelp ? around.out : around.err)(help(path));
    return isHelp ? 0 : EXIT_USAGE;
  }
  if (command === undefined) {
    around.out(completion(rest));
    return 0;
  }
  const values = readOperands(command.operands, rest);
  using pm = around.open({
    ...netns !== undefined && { netns },
    onWarning: ({ message }) =>
      around.err(
        json
          ? jsonLine({ warning: message })
          : printable(`mptcp: ${message}\n`),
      ),
  });
  const print = ({ json: value, text }: Output) =>
    around.out(json ? jsonLine(value) : printable(text));
  const { stop } = around;
  const result = command.run(pm, values as never, { stop, timestamp, explain });
  if (Symbol.asyncIterator in result) {
    for await (const output of result) print(output);
  } else {
    print(result);
  }
  return 0;
}
