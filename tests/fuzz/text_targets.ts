/**
 * What reads texts: addresses, and the command line.
 *
 * @module
 */

import { allCommands, OBJECTS } from "../../cli/objects.ts";
import { OPTION_NAMES } from "../../cli/words/options.ts";
import {
  formatIPv4,
  formatIPv6,
  parseIPv4,
  parseIPv6,
} from "../../codec/mod.ts";
import {
  type Config,
  DocumentError,
  type Match,
  parseConfig,
} from "../../config/mod.ts";
import { Diag } from "../../diag/mod.ts";
import { ProtocolError } from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import type { Bytes } from "../helpers/netlink_bytes.ts";
import { FILES, kernelWithFiles } from "../helpers/golden_proc.ts";
import { run, wordsOf } from "../helpers/run_main.ts";
import { goldenLines } from "../helpers/golden.ts";
import { pick, type Random } from "../helpers/random.ts";
import inet from "../golden/inet.jsonl" with { type: "text" };
import { spoilt, YamlWriter } from "../helpers/random_yaml.ts";
import { BAD_FILES } from "../config/bad_files.ts";
import { GOOD_FILES } from "../config/good_files.ts";
import { expandIPv6 } from "./reference.ts";
import { demand, kindOf, type Targets } from "./target.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const addresses = goldenLines<{ text?: string; input?: string }>(inet)
  .map(({ text, input }) => text ?? input!);

/** What addresses are made of, and what looks like it. */
const PARTS = [
  ...["0", "1", "9", "00", "255", "256", "010", "1e1", "0x1", "-1", "+1"],
  ...[":", "::", ".", "..", "10.0", "10.0.0.1", "ffff", "FfFf", "10000"],
  ...["%", "%eth0", "/", "[", " ", "\n", "\0", "x", "g", "٣", "１", "\uFEFF"],
];

function randomAddress(random: Random): string {
  const parts = random(3)
    ? [...pick(random, addresses)]
    : Array.from({ length: 1 + random(10) }, () => pick(random, PARTS));
  for (let times = random(3); times > 0; times--) {
    parts.splice(random(parts.length + 1), random(3), pick(random, PARTS));
  }
  if (random(1000) === 0) parts.push(...Array(random(5000)).fill("1:"));
  return parts.join("");
}

/** Demands that a text is refused, or is what is plainly written there. */
function runParse(
  text: string,
  parse: (text: string) => Uint8Array,
  format: (bytes: Uint8Array) => string,
  isAddress: (text: string) => boolean,
  plain: (text: string) => string,
): string {
  let bytes;
  try {
    bytes = parse(text);
  } catch (error) {
    demand(error instanceof TypeError, String(error));
    demand(error.message.startsWith("Invalid IP"), error.message);
    demand(!isAddress(text), () => `refused: ${error.message}`);
    return kindOf(error);
  }
  demand(bytes.toHex() === plain(text), () => bytes.toHex());
  const written = format(bytes);
  demand(parse(written).toHex() === bytes.toHex(), () => `as ${written}`);
  return "an address";
}

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}([.]${OCTET}){3}$`);

const plainIPv4 = (text: string) =>
  text.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("");

/** As a URL may have it, which is read by something else. */
function isIPv6(text: string): boolean {
  return /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]/`);
}

/** Demands that an address survives being written, in its shortest form. */
function runFormat(input: Bytes): string {
  if (input.length === 4) {
    const text = formatIPv4(input);
    demand(text === input.join("."), text);
    return "IPv4";
  }
  const text = formatIPv6(input);
  demand(expandIPv6(text) === input.toHex(), text);
  demand(parseIPv6(text).toHex() === input.toHex(), text);
  if (text.includes(".")) return "IPv6, dotted";
  const { hostname } = new URL(`http://[${text}]/`);
  demand(hostname === `[${text}]`, () => `${text} is ${hostname}`);
  return "IPv6";
}

/** Lines that make sense. */
const LINES = [
  "endpoint add 10.0.1.1 dev eth1 id 7 subflow backup fullmesh",
  "endpoint add fd00::1 port 5000 signal",
  "-j endpoint add 10.0.0.7",
  "endpoint delete id 1",
  "endpoint delete 10.0.0.1",
  "endpoint change id 1 backup fullmesh",
  "endpoint change 10.0.0.1 nobackup",
  "-j endpoint show id 1",
  "endpoint show token 5",
  "endpoint flush",
  "limits set subflows 4 add_addr_accepted 2",
  "limits show -j",
  "announce 10.0.0.9 token 0x5 id 9 dev lo port 5000",
  "remove token 5 id 9",
  "subflow create token 5 laddr 10.0.0.1 lid 1 lport 2 raddr 10.0.0.2 rport 3",
  "subflow destroy token 5 laddr fd00::1 lport 2 raddr fd00::2 rport 3",
  "subflow change token 5 laddr 1.1.1.1 lport 2 raddr 1.1.1.2 rport 3 backup",
  "-t monitor event created event closed token 5",
  "monitor --explain -j",
  "-n blue limits",
  "--netns=12 limits",
  "record token 5 for 1 interval 0.5",
  "-j record to 10.0.0.1 port 443 state established fallback",
  "completion bash",
  "completion words -- endpoint add dev",
  "help subflow create",
  "endpoint add --help",
  "--version",
].map(wordsOf);

/** Every word of the tables, and words that programs stumble over. */
const WORDS = [
  ...OBJECTS.map(({ word }) => word),
  // Nothing is written into files.
  ...OPTION_NAMES.filter((name) => name !== "out" && name !== "svg")
    .map((name) => `--${name}`),
  ...(await allCommands()).flatMap(({ path, command }) => [
    ...path,
    ...Object.values(command.operands).flatMap(({ words }) =>
      words.map(([word]) => word)
    ),
  ]),
  ...["help", "-j", "-n", "-t", "-h", "-V", "-jt", "-nblue", "-n=", "-", "--"],
  ...["", " ", "=", "-1", "--1", "-0x1", "--json=false", "--no-json", "--_=x"],
  ...[
    "--_",
    "_",
    "--j",
    "---",
    "-j=",
    "--netns=",
    "--netns.x=1",
    "--=x",
    "-==",
  ],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"],
  ...["--__proto__", "--constructor=1", "--__proto__.x=1", "--toString"],
  ...["0", "1", "5", "255", "256", "65536", "4294967296", "1e3", "0x", "0x5"],
  ...["007", "5.0", "NaN", "Infinity", "99999999999999999999", "deadbeef"],
  ...["10.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%eth0", "10.0.0.1/24"],
  ...["lo", "eth1", "eth9", "if5", "🖧", "\uFEFF", "\n", "a".repeat(300)],
];

function randomWords(random: Random): string[] {
  const words = pick(random, LINES).slice();
  for (let times = random(5); times > 0; times--) {
    const at = random(words.length + 1);
    const word = words[at] ?? pick(random, WORDS);
    switch (random(7)) {
      case 0:
        words.splice(at, 1);
        break;
      case 1:
        words.splice(at, 0, pick(random, WORDS));
        break;
      case 2:
        words[at] = word.slice(0, random(word.length + 1));
        break;
      case 3:
        words.splice(at, 0, word);
        break;
      case 4:
        words[at] = word + pick(random, PARTS);
        break;
      case 5:
        words.push(...pick(random, LINES));
        break;
      default:
        words[at] = pick(random, WORDS);
    }
  }
  return words;
}

/** How a message about a wrong command line begins; an engine's does not. */
const USAGE =
  /^(mptcp: )?(Ambiguous|Contradicting|Incomplete|Invalid|Misplaced|Nothing|One|Two|Unknown) |^(mptcp: )?"\S*" (is given twice|and "\S*" contradict)/;

async function runCommandLine(words: readonly string[]): Promise<string> {
  const kernel = new FakeKernel();
  kernel.connect(5);
  const { code, out, ...said } = await run(words, kernel);
  // Without what `--trace` shows, and hints in front of an error.
  const err = said.err.replaceAll(/^(->|<-) .*\n/gm, "")
    .replace(/^((hint: |{"hint").*\n)+(?=.)/, "");
  const what = `${code}: ${err || out}`;
  // What goes on is stopped at once.
  demand([0, 1, 2, 4, 255].includes(code), what);
  demand(!/\[object|native code/.test(out), what);
  if (code === 0) {
    demand(/^((mptcp: |hint: |{"(warning|hint)").*\n)*$/.test(err), what);
    return "exit code 0";
  }
  demand(out === "" && err !== "", what);
  if (code !== 255) return `exit code ${code}`;
  // Without a word it explains itself.
  if (err.startsWith("mptcp: controls")) return "exit code 255: help";
  const message: string = err.startsWith("{") ? JSON.parse(err).error : err;
  const usage = message.match(USAGE);
  demand(usage !== null, what);
  return `exit code 255: ${usage[2] ?? "contradiction"}`;
}

const textOf = (input: Uint8Array) => decoder.decode(input);

const NETSTAT = "/proc/thread-self/net/netstat";
const NETLINK = "/proc/thread-self/net/netlink";

/** A captured file with parts of it moved, cut or replaced. */
function randomFile(random: Random, path: string): string {
  const words = FILES[path]!.split(/(?<=[ \n])/);
  for (let times = 1 + random(5); times > 0; times--) {
    const at = random(words.length);
    const put = random(2) ? [pick(random, words), pick(random, PARTS)] : [];
    words.splice(at, random(4), ...put);
  }
  return words.join("").slice(0, random(3) ? undefined : random(5000));
}

/** Reads them where one of them is another. */
function runFiles(
  path: string,
  text: string,
  read: (diag: Diag) => object,
): string {
  const kernel = kernelWithFiles();
  kernel.files.set(path, text);
  using diag = Diag.open({ namespace: kernel });
  try {
    const numbers = Object.values(read(diag));
    demand(numbers.every(Number.isFinite), () => `${numbers}`);
    return "read";
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return "refused";
  }
}

/** Configuration files, right and wrong. */
const RIGHT = GOOD_FILES.map(([text]) => text);
const CONFIGS = [...RIGHT, ...BAD_FILES.map(([text]) => text)]
  .filter(({ length }) => length < 2000);

function randomConfig(random: Random): string {
  switch (random(4)) {
    case 0:
      return new YamlWriter(random).document();
    case 1: {
      const lines = pick(random, CONFIGS).split(/(?<=\n)/);
      lines.splice(random(lines.length), random(3), pick(random, CONFIGS));
      return lines.join("");
    }
    case 2:
      return pick(random, RIGHT)
        .replaceAll("\n", () => pick(random, ["\n", "\r\n", " # [\n\n"]));
    default:
      return spoilt(random, pick(random, random(2) ? RIGHT : CONFIGS));
  }
}

/** A fault as it is printed. */
const FAULT = /^f(:\d+(:\d+)?)?: [^\n]+$/;

/** Demands that a file is taken, or refused with what is wrong in it. */
async function runConfig(text: string): Promise<string> {
  let config;
  try {
    config = await parseConfig(text, "f");
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const { faults, message } = error;
    demand(faults.length > 0, "refused for nothing");
    demand(message.split("\n").every((line) => FAULT.test(line)), message);
    const lines = text.split(/\r\n|\r|\n/);
    for (const { line, column } of faults) {
      if (line === undefined) continue;
      const length = lines[line - 1]?.length ?? -1;
      demand((column ?? 1) <= length + 1, () => `${line}:${column} is outside`);
    }
    return "refused";
  }
  const written = jsonOf(config);
  const again = jsonOf(await parseConfig(written));
  demand(again === written, () => `${written} is read as ${again}`);
  return "taken";
}

/** A file, as JSON, that says the same. */
function jsonOf({ limits, settings, endpoints, governs }: Config): string {
  const { subflows, addAddrAccepted: add_addr_accepted } = limits ?? {};
  const match = ({ family, not, ...others }: Match): object => ({
    ...others,
    family: family && `ipv${family}`,
    not: not?.map(match),
  });
  return JSON.stringify({
    limits: limits && { subflows, add_addr_accepted },
    settings,
    endpoints: endpoints?.map(({ place: _, ...one }) =>
      "match" in one ? { ...one, match: match(one.match) } : one
    ),
    governs: typeof governs !== "object"
      ? governs
      : { ids: governs.map(([from, to]) => `${from}-${to}`) },
  });
}

/** What reads texts. */
export const TEXT_TARGETS: Targets = {
  parseIPv4: {
    make: (random) => encoder.encode(randomAddress(random)),
    run: (input) =>
      runParse(
        textOf(input),
        parseIPv4,
        formatIPv4,
        (text) => IPV4.test(text),
        plainIPv4,
      ),
  },
  parseIPv6: {
    make: (random) => encoder.encode(randomAddress(random)),
    run: (input) =>
      runParse(
        textOf(input),
        parseIPv6,
        formatIPv6,
        isIPv6,
        (text) => expandIPv6(text.toLowerCase()),
      ),
  },
  "formatIPv4, formatIPv6": {
    make: (random) =>
      Uint8Array.from(
        { length: random(4) ? 16 : 4 },
        () => random(3) ? 0 : pick(random, [1, 0xff, random(256)]),
      ),
    run: runFormat,
  },
  "counters in /proc": {
    make: (random) => encoder.encode(randomFile(random, NETSTAT)),
    run: (input) => runFiles(NETSTAT, textOf(input), (diag) => diag.counters()),
  },
  "listeners in /proc": {
    make: (random) => encoder.encode(randomFile(random, NETLINK)),
    run: (input) =>
      runFiles(
        NETLINK,
        textOf(input),
        (diag) => diag.eventListeners().map(({ portId }) => portId),
      ),
  },
  "configuration file": {
    make: (random) => encoder.encode(randomConfig(random)),
    run: (input) => runConfig(textOf(input)),
  },
  "command line": {
    // No word has a NUL in it.
    make: (random) => encoder.encode(randomWords(random).join("\0")),
    run: (input) => runCommandLine(textOf(input).split("\0")),
  },
};
