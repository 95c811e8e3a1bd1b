/**
 * The options. They may stand anywhere on the line.
 *
 * @module
 */

import { nearest } from "../../codec/nearest.ts";
import { type Candidate, UsageError } from "./grammar.ts";

/** One option. */
interface Option {
  readonly short?: string;
  /** What its value is called, where it takes one. */
  readonly metavar?: string;
  readonly values?: readonly Candidate[];
  /** Whether it is a list: given several times, it has all values. */
  readonly isList?: boolean;
  readonly help: string;
  /** Whether every command has it, or only the ones that list it. */
  readonly isGlobal: boolean;
  /** Whether `ip` takes it with every command: so it does no harm. */
  readonly isHarmless?: boolean;
}

const TABLE = {
  json: { short: "j", help: "write JSON, errors too", isGlobal: true },
  pretty: { short: "p", help: "indent JSON", isGlobal: true },
  netns: {
    short: "n",
    metavar: "NAME|PATH|PID",
    values: [["@/run/netns", "network namespace"]],
    help: "work in another network namespace",
    isGlobal: true,
  },
  quiet: { short: "q", help: "give no hints", isGlobal: true },
  trace: { help: "show each message to and from the kernel", isGlobal: true },
  timestamp: {
    short: "t",
    help: "say when",
    isGlobal: false,
    isHarmless: true,
  },
  tshort: { help: "say when, shorter", isGlobal: false, isHarmless: true },
  resync: {
    help: "begin with what is there, and make up for lost events",
    isGlobal: false,
  },
  explain: { help: "say what errors and backup mean", isGlobal: false },
  clean: {
    help: "take back at the end what was made",
    isGlobal: false,
  },
  watch: { help: "go on, and show what changes", isGlobal: false },
  prometheus: {
    help: "write for the textfile collector of node_exporter",
    isGlobal: false,
  },
  openmetrics: { help: "write OpenMetrics 1.0", isGlobal: false },
  out: {
    metavar: "FILE",
    help: "replace a file, as a whole; - is standard output",
    isGlobal: false,
  },
  strict: {
    help: "exit code 3 where something could not be looked at, too",
    isGlobal: false,
  },
  ignore: {
    metavar: "CHECK,…",
    values: [["@check", "check"]],
    isList: true,
    help: "leave checks out",
    isGlobal: false,
  },
  from: {
    metavar: "FILE",
    help: "diagnose what mptcp report wrote; - is standard input",
    isGlobal: false,
  },
  anonymize: {
    help: "replace addresses, and names of devices and processes",
    isGlobal: false,
  },
  reproduce: {
    help:
      "read before and after a fault, with events between: to listen changes userspace mode",
    isGlobal: false,
  },
  text: {
    help: "write text, with the headings of mptcp-get-debug",
    isGlobal: false,
  },
  svg: {
    metavar: "FILE",
    help: "draw it into a file; - is standard output",
    isGlobal: false,
  },
  prune: {
    help: "remove endpoints that the file governs and does not want",
    isGlobal: false,
  },
  "dry-run": { help: "only show what would be done", isGlobal: false },
  rollback: { help: "go back when the kernel refuses", isGlobal: false },
  confirm: {
    metavar: "TIME",
    help: "go back unless Enter is pressed in time, as in 60s",
    isGlobal: false,
  },
  takeover: {
    help: "change what another program manages, too",
    isGlobal: false,
  },
  batch: {
    short: "b",
    metavar: "FILE",
    help: "run the lines of a file; - is standard input",
    isGlobal: true,
  },
  force: { help: "go on after a line that fails", isGlobal: true },
  help: { short: "h", help: "explain", isGlobal: true },
  version: { short: "V", help: "print the version", isGlobal: true },
} as const;

/**
 * The options of `ip`, in the order in which its `main()` tries them; a value
 * follows those with "=". Those that are not in the table have no effect here.
 */
const OF_IP = [
  ...["loops=", "family=", "4", "6", "0", "M", "B", "human-readable", "iec"],
  ...["stats", "statistics", "details", "resolve", "oneline", "timestamp"],
  ...["tshort", "Version", "force", "batch=", "brief", "json", "pretty"],
  ...["rcvbuf=", "color", "help", "netns=", "Numeric", "all", "echo"],
];

/** What the options are called. */
export type OptionName = keyof typeof TABLE;

/** What a command gets of an option: its value, or whether it was given. */
export type OptionValue<Name extends OptionName> = (typeof TABLE)[Name] extends
  { readonly metavar: string } ? string | undefined : boolean;

/** All of them. */
export const OPTIONS: Readonly<Record<OptionName, Option>> = TABLE;

/** Their names, in the order of the table. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(
  OPTIONS,
) as OptionName[];

/** The names of those that a command has. */
export function optionsOf(
  command?: { readonly options?: readonly OptionName[] },
): OptionName[] {
  const own = command?.options ?? [];
  return [...own, ...OPTION_NAMES.filter((name) => OPTIONS[name].isGlobal)];
}

/** What was read of a line. */
export interface Line {
  /** The words that are no options. */
  readonly words: readonly string[];
  /** How many of them came before `--`. */
  readonly plain: number;
  /** The options that were given. */
  readonly given: ReadonlySet<OptionName>;
  /** The values of those that take one. */
  readonly values: { readonly [Name in OptionName]?: string };
}

/**
 * Tells options from words.
 *
 * @throws {UsageError} An option is unknown, or lacks its value.
 */
export async function readLine(args: readonly string[]): Promise<Line> {
  try {
    return await read(args);
  } catch (error) {
    throw error instanceof UsageError ? await withWord(error) : error;
  }
}

/** Adds a hint, where the unknown option is a word that has no dashes. */
async function withWord(error: UsageError): Promise<UsageError> {
  const word = error.advice.given?.replace(/^-+/, "");
  if (word === undefined) return error;
  const { allCommands } = await import("../objects.ts");
  const isWord = (await allCommands()).some(({ command }) =>
    Object.values(command.operands).some(({ words }) =>
      words.some(([known]) => known === word)
    )
  );
  const hint = `did you mean "${word}", without dashes?`;
  return isWord ? new UsageError(error.message, { hint }) : error;
}

async function read(args: readonly string[]): Promise<Line> {
  // Most lines have none: they need no parser.
  if (!args.some((arg) => arg.startsWith("-"))) {
    return { words: args, plain: args.length, given: new Set(), values: {} };
  }
  const { parseArgs } = await import("@std/cli/parse-args");
  const takesValue = (name: OptionName) => OPTIONS[name].metavar !== undefined;
  const written = withDashes(fromIp(args));
  const masked = withoutDevices(written);
  refuseOddities(masked);
  const parsed: Record<string, unknown> = parseArgs(withLists(masked), {
    boolean: OPTION_NAMES.filter((name) => !takesValue(name)),
    string: [...OPTION_NAMES.filter(takesValue), "_"],
    alias: Object.fromEntries(
      OPTION_NAMES.flatMap((name) => {
        const { short } = OPTIONS[name];
        return short === undefined ? [] : [[name, short]];
      }),
    ),
    "--": true,
    unknown: (arg, key) => key === undefined || unknown(arg),
  });
  const { _, "--": literal } = parsed as {
    readonly _: readonly (string | number)[];
    readonly "--": readonly string[];
  };
  for (const name of OPTION_NAMES) {
    const { metavar } = OPTIONS[name];
    if (metavar !== undefined && parsed[name] === "") {
      throw new UsageError(
        `Incomplete option "${asWritten(name)}": ${metavar} is needed`,
      );
    }
    if (metavar === "TIME" && /^[^\d]/.test(`${parsed[name] ?? ""}`)) {
      throw new UsageError(
        `Incomplete option "--${name}": ${metavar} is needed, and ` +
          `"${parsed[name]}" is none`,
      );
    }
  }
  const words = _.map((word) =>
    String(word).replace(/^\0(\d+)$/, (_, index) => written[index]!)
  );
  return {
    words: [...words, ...literal],
    plain: words.length,
    given: new Set(OPTION_NAMES.filter((name) => parsed[name])),
    values: Object.fromEntries(
      OPTION_NAMES.filter((name) => takesValue(name) && parsed[name])
        .map((name) => [name, parsed[name]]),
    ),
  };
}

/** The shortest way to write an option. */
function asWritten(name: OptionName): string {
  const { short } = OPTIONS[name];
  return short === undefined ? `--${name}` : `-${short}`;
}

/**
 * What follows `dev` is a name, whatever it looks like: its index behind a NUL,
 * which no argument has, stands for it. `d` is that behind two other words.
 */
function withoutDevices(args: readonly string[]): string[] {
  const masked = [...args];
  let words = 0;
  for (let at = 0; at < args.length && args[at] !== "--"; at++) {
    if (/^(-[a-z]?n|--?netns|--(out|svg|ignore|from))$/.test(args[at]!)) at++;
    else if (!args[at]!.startsWith("-")) {
      words++;
      const isDev = args[at] === "dev" || words > 2 && /^de?$/.test(args[at]!);
      if (isDev && args[++at]?.startsWith("-")) masked[at] = `\0${at}`;
    }
  }
  return masked;
}

/**
 * Writes out the options in front of the object that are `ip`'s: with one dash
 * or two, and as short as it takes them.
 */
function fromIp(args: readonly string[]): string[] {
  const written: string[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at]!;
    if (!/^-./.test(arg) || arg === "--") break;
    const word = arg.replace(/^--?/, "")
      .replace(/^(c[olr]*)=(always|auto|never)?$/, "$1");
    // Our own letters come first: with `ip`, -h is --human-readable.
    const name = OPTION_NAMES.find((name) => arg === `-${OPTIONS[name].short}`);
    const found = OF_IP.find((option) => {
      const full = option.replace("=", "");
      return name === undefined ? full.startsWith(word) : full === name;
    }) ?? "";
    const full = found.replace("=", "").toLowerCase();
    const known = Object.hasOwn(OPTIONS, full);
    if (found === "") {
      written.push(arg);
    } else if (known) {
      written.push(`--${full}`);
    }
    if (!found.endsWith("=")) {
      continue;
    }
    const value = args[++at];
    if (value === undefined) {
      break;
    }
    // As one word, since a dash may be the value.
    if (known && value !== "") {
      written.push(`${written.pop()}=${value}`);
    }
  }
  return [...written, ...args.slice(at)];
}

/** A dash alone can be a value, which `parseArgs` takes from one word only. */
function withDashes(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const written: string[] = [];
  for (const [at, arg] of args.entries()) {
    const takesIt = arg === "-" && (end < 0 || at < end) &&
      OPTION_NAMES.some((name) =>
        OPTIONS[name].metavar !== undefined && args[at - 1] === `--${name}`
      );
    written.push(takesIt ? `${written.pop()}=-` : arg);
  }
  return written;
}

/** A list that is given several times, as if it were given once. */
function withLists(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const written = args.slice(0, end < 0 ? args.length : end);
  for (const name of OPTION_NAMES.filter((name) => OPTIONS[name].isList)) {
    const values: string[] = [];
    for (let at = 0; at < written.length; at++) {
      const [option, ...rest] = written[at]!.split("=");
      if (option !== `--${name}`) continue;
      const isApart = rest.length === 0;
      const value = isApart ? written[at + 1] : rest.join("=");
      if (value === undefined) continue;
      values.push(value);
      written.splice(at--, isApart ? 2 : 1);
    }
    if (values.length > 0) written.unshift(`--${name}=${values.join(",")}`);
  }
  return [...written, ...end < 0 ? [] : args.slice(end)];
}

/**
 * `--_` stops `parseArgs`, an empty value is taken by some releases, and
 * `--prune=no` is `--prune` to it.
 */
function refuseOddities(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === "--") return;
    if (/^-[^=]*_|^-.*=$/.test(arg)) unknown(arg);
    const [, long, short] = /^-(?:-([^=]+)|[^-=]*([^-=]))=/.exec(arg) ?? [];
    const name = OPTION_NAMES.find((name) =>
      name === long || short !== undefined && OPTIONS[name].short === short
    );
    if (name !== undefined && OPTIONS[name].metavar === undefined) {
      throw new UsageError(
        `Invalid option "${arg}": ${asWritten(name)} takes no value`,
      );
    }
  }
}

const HELP =
  '"mptcp help" lists the options, "mptcp COMMAND --help" those of one command';

function unknown(arg: string): never {
  if (/^-\d/.test(arg)) {
    throw new UsageError(`Invalid number "${arg}": none is negative`);
  }
  const given = arg.replace(/=[^]*/, "");
  const known = OPTION_NAMES.flatMap((name) => {
    const { short } = OPTIONS[name];
    return [`--${name}`, ...short === undefined ? [] : [`-${short}`]];
  });
  throw new UsageError(`Unknown option "${arg}"`, {
    given,
    known,
    ...nearest(given, known).length === 0 && { hint: HELP },
  });
}
