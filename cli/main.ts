/**
 * One run of the command line.
 *
 * @module
 */

import { Context, type Io } from "./context.ts";
import { EXIT } from "./exit.ts";
import { allCommands } from "./objects.ts";
import type { Output, OutputList } from "./output.ts";
import { snakeJsonLine, snakeKeys } from "./snake_case.ts";
import { jsonLine, prettyJson, printable } from "./printable.ts";
import { UsageError } from "./words/grammar.ts";
import {
  type Line,
  type OptionName,
  OPTIONS,
  optionsOf,
  readLine,
} from "./words/options.ts";
import {
  findCommand,
  type Found,
  readOperands,
  settle,
} from "./words/parse.ts";

/**
 * Runs one command line.
 *
 * @param args The words behind the program's name.
 * @param io The world around the run.
 * @returns The exit code.
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  let json = args.some((arg) => /^--?j(son)?$/.test(arg));
  let found: Found | undefined;
  try {
    const line = await readLine(args);
    const { words, plain, given } = line;
    json = given.has("json");
    if (given.has("version")) {
      const { default: { version } } = await import("../deno.json", {
        with: { type: "json" },
      });
      io.out(`mptcp ${version}\n`);
      return EXIT.done;
    }
    if (line.values.batch !== undefined && !given.has("help")) {
      const { runBatch } = await import("./batch.ts");
      return await runBatch(line, io, main);
    }
    found = await findCommand(words, given.has("help"), plain);
    return await run(found, line, io);
  } catch (error) {
    // It was stopped since nobody reads what it says.
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.timedOut;
    const { describe } = await import("./failure.ts");
    const failure = describe(error, io.rerun, found);
    if (failure === undefined) {
      io.err("mptcp: this is a bug of mptcp; please report it with:\n");
      throw error;
    }
    io.err(json ? jsonLine(failure.json) : printable(failure.text));
    return failure.code;
  }
}

async function run(
  { path, command, rest, help: isHelp }: Found,
  { given, values: ofOptions }: Line,
  io: Io,
): Promise<number> {
  if (isHelp || command === undefined) {
    const { help } = await import("./words/help.ts");
    io.out(await help(path));
    return EXIT.done;
  }
  const options = optionsOf(command);
  for (const name of given) {
    if (!options.includes(name) && !OPTIONS[name].isHarmless) {
      throw await misplaced(name);
    }
  }
  const operands = readOperands(command, rest, path[0]);
  const json = given.has("json");
  using context = new Context(io, {
    json,
    quiet: given.has("quiet"),
    trace: given.has("trace"),
    command: path[0]!,
    netns: ofOptions.netns,
  });
  const values: Record<string, unknown> = {
    ...settle(operands, context),
    ...Object.fromEntries(
      (command.options ?? []).map((name) => [
        name,
        OPTIONS[name].metavar === undefined ? given.has(name) : ofOptions[name],
      ]),
    ),
  };
  const isPretty = given.has("pretty");
  const toJson = isPretty ? prettyJson : jsonLine;
  const shown = (text: string, isPainted = false) =>
    isPainted ? text : printable(text);
  let code: number = EXIT.done;
  const textOf = ({ text, isPainted, json: value }: Output) =>
    json ? toJson(value) : shown(text, isPainted);
  const { lost } = command;
  const log = lost && new (await import("./log.ts")).Log(
    io.write,
    (lines) => textOf(lost(lines)),
  );
  const print = (output: Output | OutputList) => {
    if ("jsons" in output) return printList(output);
    if (log === undefined) io.out(textOf(output));
    else log.say(textOf(output));
    code = output.code ?? code;
  };
  const printList = ({ texts, isPainted, jsons }: OutputList) => {
    if (!json) { for (const text of texts) io.out(shown(text, isPainted)); }
    else if (isPretty) {
      io.out(prettyJson(Array.from(jsons, snakeKeys)));
    } else for (const piece of snakeJsonLine(jsons)) io.out(piece);
  };
  const result = command.run(context, values as never);
  if (Symbol.asyncIterator in result) {
    try {
      for await (const output of result) print(output);
    } finally {
      await log?.end();
    }
  } else {
    print(await result);
  }
  return code;
}

async function misplaced(name: OptionName): Promise<UsageError> {
  const owners = (await allCommands())
    .filter(({ command }) => command.options?.includes(name))
    .map(({ path }) => `"mptcp ${path.join(" ")}"`);
  return new UsageError(
    `Misplaced option "--${name}": it belongs to ${owners.join(", ")}`,
  );
}
