import type { LabOptions } from "../testing/lab.ts";

/** What the laboratory is to be like. */
export interface ShellOptions extends LabOptions {
  /** Whether the client sends to the server all the time. */
  readonly traffic: boolean;
}

type Name = "paths" | "rate" | "delay" | "loss";

/** The options with a value: what it is, and what it stands for. */
const OPTIONS: Readonly<
  Record<Name, readonly [metavar: string, help: string, keyof LabOptions]>
> = {
  paths: ["N", "how many paths there are, 0 to 255; else 2", "paths"],
  rate: ["MBIT", "what a path carries each way, in Mbit/s; else 40", "rate"],
  delay: ["MS", "how long a path takes each way, in ms; else 0", "delayMs"],
  loss: [
    "PERCENT",
    "how many packets of 100 a path loses; else 0",
    "lossPercent",
  ],
};

/** How to start it. */
export const USAGE: string =
  `A laboratory of two hosts, which is removed at the end.

usage: deno run -A jsr:@mptcp/pm/lab [OPTION…]

${
    [
      ...Object.entries(OPTIONS).map(([name, [metavar, help]]) => [
        `--${name} ${metavar}`,
        help,
      ]),
      ["--traffic", "the client sends to the server all the time"],
      ["--help", "explain"],
    ].map(([option, help]) => `  ${option!.padEnd(14)}  ${help}\n`).join("")
  }`;

/**
 * Reads the options; `undefined`: help is asked for.
 *
 * @throws {TypeError} They make no sense.
 */
export function readOptions(args: readonly string[]): ShellOptions | undefined {
  const values: { -readonly [name in keyof LabOptions]: LabOptions[name] } = {};
  let traffic = false;
  const words = args.flatMap((arg) =>
    arg.split(/(?<=^--\w+)=(.*)$/).slice(0, 2)
  );
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--help" || word === "-h") return undefined;
    if (word === "--traffic") {
      traffic = true;
      continue;
    }
    const name = word.replace(/^--/, "");
    if (!word.startsWith("--") || !Object.hasOwn(OPTIONS, name)) {
      throw new TypeError(`unknown option "${word}"; --help lists the known`);
    }
    const [metavar, , field] = OPTIONS[name as Name];
    const text = words[++at];
    if (text === undefined || !/^\d+(\.\d+)?$/.test(text)) {
      throw new TypeError(`${word} takes a number: ${word} ${metavar}`);
    }
    values[field] = Number(text);
  }
  return { paths: 2, rate: 40, ...values, traffic };
}
