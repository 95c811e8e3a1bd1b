/**
 * The lines that `ip mptcp` of iproute2 takes, by its source and manual page:
 * each keyword, beginning, option and order. The live test runs them through
 * both programs, and docs/ip-mptcp.md is made from them.
 *
 * `d[ev]` stands for `d`, `de` and `dev`, `{ a ; b }` for both orders.
 *
 * @module
 */

/** The options of `ip`, as far as the object follows them. */
export const OPTIONS_OF_IP: readonly string[] = [
  ...["-j[son]", "-p[retty]", "-d[etails]", "-s[tats]", "-s[tatistics]"],
  ...["-o[neline]", "-br[ief]", "-t[imestamp]", "-ts[hort]", "-fo[rce]"],
  ...["-4", "-6", "-0", "-M", "-B", "-f[amily] inet", "-f[amily] inet6"],
  ...["-hu[man-readable]", "-i[ec]", "-r[esolve]", "-N[umeric]", "-a[ll]"],
  ...["-c[olor]", "-c[olor]=", "-c[olor]=always", "-c[olor]=auto"],
  ...["-c[olor]=never", "-l[oops] 3", "-rc[vbuf] 65536", "-echo"],
];

/**
 * The lines that a pattern stands for: all words as short as can be, each word
 * in each length, and each order.
 */
export function expand(pattern: string): string[] {
  const [, before = pattern, inner, after = ""] =
    pattern.match(/^(.*)\{ (.*) \}(.*)$/) ?? [];
  const lines = inner === undefined
    ? lengths(pattern)
    : permutations(inner.split(" ; ")).flatMap((parts, order) => {
      const line = `${before}${parts.join(" ")}${after}`;
      // One order in all lengths, the others written out.
      return order === 0 ? lengths(line) : [inFull(line)];
    });
  return [...new Set(lines)];
}

const CUT = /\[([^\]]*)\]/g;

function inFull(line: string): string {
  return line.replace(CUT, "$1");
}

function lengths(line: string): string[] {
  const cuts = [...line.matchAll(CUT)];
  return [
    inFull(line),
    line.replace(CUT, ""),
    ...cuts.flatMap(({ index, 0: { length }, 1: rest }) =>
      Array.from(rest!, (_, kept) =>
        inFull(
          line.slice(0, index) + rest!.slice(0, kept) +
            line.slice(index + length),
        ))
    ),
  ];
}

function permutations(parts: readonly string[]): string[][] {
  return parts.length < 2
    ? [[...parts]]
    : parts.flatMap((part, at) =>
      permutations(parts.toSpliced(at, 1)).map((others) => [part, ...others])
    );
}

/** A section of the page. */
export interface Section {
  readonly heading: string;
  readonly lines: readonly string[];
}

/**
 * What both programs do, with the same output and state afterwards. There are
 * {@linkcode BEFORE} and the devices client1 and client2.
 */
export const SAME: readonly Section[] = [
  {
    heading: "Options",
    lines: [
      ...OPTIONS_OF_IP.map((option) => `${option} mptcp endpoint show`),
      ...["-j -p mptcp endpoint", "-p -j mptcp endpoint show id 1"],
      ...["-d -o -s -4 mptcp limits", "-- mptcp endpoint show"],
      "-t -ts mptcp endpoint add 10.77.9.1",
    ],
  },
  {
    heading: "Show",
    lines: [
      ...["mptcp e[ndpoint]", "mptcp e[ndpoint] s[how]"],
      ...["1", "2", "3", "4", "0x1"].map((id) =>
        `mptcp e[ndpoint] s[how] i[d] ${id}`
      ),
      ...["mptcp l[imits]", "mptcp l[imits] sh[ow]"],
    ],
  },
  {
    heading: "Add",
    lines: [
      "mptcp e[ndpoint] a[dd] 10.77.9.1",
      "mptcp endpoint add { 10.77.9.1 ; d[ev] client2 ; i[d] 9 ; subflow }",
      "mptcp endpoint add { 10.77.9.1 ; d[ev] client2 ; signal ; backup }",
      "mptcp endpoint add { fd77:2::1 ; d[ev] client2 ; fullmesh ; subflow }",
      "mptcp endpoint add { 10.77.2.1 ; p[ort] 10101 ; signal ; i[d] 0x20 }",
      "mptcp endpoint add { fd77:1::1 ; p[ort] 10101 ; signal ; backup }",
      "mptcp endpoint add { 10.77.9.1 ; p[ort] 0 ; nobackup ; nofullmesh }",
      "mptcp endpoint add { 10.77.9.1 ; i[d] 255 ; signal ; subflow ; backup }",
      "mptcp endpoint add { 10.77.9.1 ; subflow ; subflow }",
      ...["2001:DB8:0:0:1:0:0:1", "2001:db8::2:0:0:1", "::192.0.2.33", "::1"]
        .map((address) => `mptcp endpoint add ${address}`),
      ...["0.0.0.1", "255.255.255.255", "ff02::1", "1:2:3:4:5:6:7:8"]
        .map((address) => `mptcp endpoint add ${address}`),
      "mptcp endpoint add fe80::1 dev client1",
      "mptcp endpoint add { ::ffff:10.77.9.1 ; subflow ; d[ev] if1 }",
    ],
  },
  {
    heading: "Change",
    lines: [
      "mptcp e[ndpoint] c[hange] { i[d] 1 ; backup ; fullmesh }",
      "mptcp endpoint change { i[d] 1 ; nobackup ; nofullmesh }",
      "mptcp endpoint change { i[d] 1 ; nobackup }",
      "mptcp endpoint change { i[d] 2 ; backup }",
      "mptcp endpoint change { 10.77.2.1 ; backup ; p[ort] 0 }",
      "mptcp endpoint change { 10.77.1.1 ; fullmesh ; backup }",
      "mptcp endpoint change { fd77:1::1 ; backup ; fullmesh }",
      "mptcp endpoint change { 10.77.1.1 ; p[ort] 10100 ; backup }",
    ],
  },
  {
    heading: "Delete",
    lines: [
      ...["1", "2", "3", "0x4"].map((id) =>
        `mptcp e[ndpoint] d[elete] i[d] ${id}`
      ),
      "mptcp endpoint delete { i[d] 0 ; 10.77.1.1 }",
      "mptcp e[ndpoint] f[lush]",
    ],
  },
  {
    heading: "Limits",
    lines: [
      "mptcp l[imits] s[et] { s[ubflows] 4 ; a[dd_addr_accepted] 3 }",
      "mptcp limits set s[ubflows] 0",
      "mptcp limits set s[ubflows] 0x8",
      "mptcp limits set a[dd_addr_accepted] 8",
    ],
  },
];

/** What both print of the same events. */
export const MONITOR: Section = {
  heading: "Monitor",
  lines: [
    "mptcp m[onitor]",
    "-t mptcp monitor",
    "-ts mptcp monitor",
    "-t -ts mptcp monitor",
    "-d -N mptcp monitor",
  ],
};

/** What is there before each line. */
export const BEFORE: {
  readonly endpoints: readonly string[];
  readonly limits: string;
} = {
  endpoints: [
    "10.77.1.1 id 1 dev client1 subflow backup",
    "10.77.2.1 id 2 signal",
    "10.77.1.1 port 10100 id 3 signal",
    "fd77:1::1 id 4 subflow fullmesh",
  ],
  limits: "subflows 2 add_addr_accepted 1",
};

/** How both programs end; `ip` is left out where that depends on its release. */
type Codes = readonly [ours: number, ip?: number];

/** What neither does. */
export const REFUSED: { readonly [line: string]: Codes } = {
  "mptcp foo": [255, 255],
  "mptcp ep show": [255, 255],
  "mptcp endpoint foo": [255, 255],
  "mptcp limits foo": [255, 255],
  "mptcp limits x 1": [255, 255],
  "mptcp monitor foo": [255, 255],
  "-x mptcp limits": [255, 255],
  "-color=x mptcp limits": [255, 255],
  "mptcp limits -4": [255, 255],
  "mptcp endpoint add": [255, 255],
  "mptcp endpoint add subflow": [255, 255],
  "mptcp endpoint add 10.77.9.1 id 256": [255, 255],
  "mptcp endpoint add 10.77.9.1 id abc": [255, 255],
  "mptcp endpoint add 10.77.9.1 id": [255, 255],
  "mptcp endpoint add 10.77.9.1 id -1": [255, 255],
  "mptcp endpoint add 10.77.9.1 dev nosuch": [255, 255],
  "mptcp endpoint add 10.77.9.1 dev bad/name": [255, 255],
  "mptcp endpoint add 10.77.9.1 port 99999 signal": [255, 255],
  "mptcp endpoint add 10.77.9.1 port 100": [255, 255],
  "mptcp endpoint add 10.77.9.1 port 100 signal": [2, 2],
  "mptcp endpoint add 10.77.9.1 signal subflow port 100": [255, 2],
  "mptcp endpoint add 10.77.9.1 signal fullmesh": [255, 255],
  "mptcp endpoint add 10.77.9.1 fullmesh signal": [255, 255],
  "mptcp endpoint add 10.77.9.1 implicit": [255],
  "mptcp endpoint add 10.77.9.1 whatever": [255, 1],
  "mptcp endpoint add 10.77.9.1 back": [255, 1],
  "mptcp endpoint add 10.77.9.1/24": [255, 1],
  "mptcp endpoint add nosuch.invalid": [255, 1],
  "mptcp endpoint add any": [255, 2],
  "mptcp endpoint add fe80::1%client1": [255, 1],
  "mptcp endpoint add 10.77.1.1 subflow": [2, 2],
  "mptcp endpoint add 10.77.9.1 id 1": [2, 2],
  "mptcp endpoint change id 1 subflow": [255, 255],
  "mptcp endpoint change id 1 port 10100 backup": [2, 255],
  "mptcp endpoint change id 0 backup": [255],
  "mptcp endpoint change id 2 fullmesh": [2, 2],
  "mptcp endpoint change id 99 backup": [2, 2],
  "mptcp endpoint change 10.200.0.1 backup": [2, 2],
  "mptcp endpoint change backup": [255, 2],
  "mptcp endpoint delete": [255, 255],
  "mptcp endpoint delete id 0": [255, 255],
  "mptcp endpoint delete id 99": [2, 2],
  "mptcp endpoint show id 0": [255],
  "mptcp endpoint show id 99": [2, 2],
  "mptcp limits set subflows -1": [255, 255],
  "mptcp limits set subflows": [255, 255],
  "mptcp limits set subflows 9": [2, 2],
};

const SURPLUS = "`ip` ignores a word that has no meaning there";
const TWICE = "`ip` takes the last of two, in silence";
const NUMBERS = "`ip` takes what `strtoul` does: octal, a sign";
const KEPT = "only the flags that are named change: `ip` replaces `backup` " +
  "and `fullmesh` together";
const NAMED = "an endpoint can be named by its address or device";
const HELP = "help that was asked for is no error";
const JSON_TOO = "changes print what the kernel stored, if JSON is asked for";

/** What they do differently, how they end, and why. */
export const DIFFERENT: {
  readonly [line: string]: readonly [
    ours: number,
    ip: number | undefined,
    why: string,
  ];
} = {
  "mptcp": [0, 255, "no words at all are `mptcp status`"],
  "mptcp help": [0, 255, HELP],
  "mptcp endpoint help": [0, 255, HELP],
  "-help mptcp limits": [0, 255, HELP],
  "-h mptcp limits": [0, 0, "`-h` asks for help, as everywhere"],
  "-V": [0, 0, "each prints its own version"],
  "-e mptcp limits": [0, 255, "`-echo` has no effect, whole or not"],
  "-j mptcp limits": [0, 0, "`ip` ignores `-j` there"],
  "-j mptcp endpoint add 10.77.9.1": [0, 0, JSON_TOO],
  "-j mptcp endpoint change id 2 backup": [0, 0, JSON_TOO],
  "-j mptcp endpoint delete id 1": [0, 0, JSON_TOO],
  "mptcp limits set": [255, 0, "nothing is set"],
  "mptcp limits s": [255, 0, "this is `limits set`, and nothing is set"],
  "mptcp limits show subflows 3": [255, 0, SURPLUS],
  "mptcp limits set subflows 2 subflows 3": [255, 0, TWICE],
  "mptcp endpoint flush id 3": [255, 0, "`ip` deletes all endpoints"],
  "mptcp endpoint add 10.77.9.1 10.77.9.2": [255, 0, TWICE],
  "mptcp endpoint add 10.77.9.1 id 8 id 9": [255, 0, TWICE],
  "mptcp endpoint add 10.77.9.1 id 0": [
    255,
    undefined,
    "0 is no id of an endpoint: some releases of `ip` leave the choice to the kernel",
  ],
  "mptcp endpoint add 10.77.9.1 id 010": [255, 0, NUMBERS],
  "mptcp endpoint add 10.77.9.1 id +8": [255, 0, NUMBERS],
  "mptcp endpoint add 10.77.9": [
    255,
    0,
    "to `ip` this is 10.77.9.0, to others 10.77.0.9",
  ],
  "mptcp endpoint add 10.77.9.1 backup nobackup": [
    255,
    0,
    "the words contradict each other",
  ],
  "mptcp endpoint add 10.77.9.1 laminar": [
    0,
    undefined,
    "flags of later kernels have their names",
  ],
  "mptcp endpoint change id 4 backup": [0, 0, KEPT],
  "mptcp endpoint change id 4 nobackup": [0, 0, KEPT],
  "mptcp endpoint change id 1": [255, 0, "without a flag `ip` clears both"],
  "mptcp endpoint change id 1 backup nobackup": [
    255,
    0,
    "the words contradict each other",
  ],
  "mptcp endpoint change id 1 dev client2 backup": [255, 0, SURPLUS],
  "mptcp endpoint delete id 1 backup": [255, 0, SURPLUS],
  "mptcp endpoint delete id 1 dev client2": [
    2,
    0,
    "all that is given must fit: the kernel looks at the id alone",
  ],
  "mptcp endpoint delete id 1 port 99": [
    2,
    0,
    "all that is given must fit: the kernel looks at the id alone",
  ],
  "mptcp endpoint delete id 2 10.77.2.1": [0, 255, NAMED],
  "mptcp endpoint delete 10.77.2.1": [0, 255, NAMED],
  "mptcp endpoint delete dev client1": [0, 255, NAMED],
  "mptcp endpoint show id 1 backup": [255, 0, SURPLUS],
};

/** Files for `-batch`, and the options beside it: both end in the same way. */
export const BATCHES: readonly (readonly [file: string, options?: string])[] = [
  ["mptcp endpoint add 10.77.9.1\nmptcp endpoint show\n"],
  ["# comment\n\nmp l # all\nmptcp limits \\\nset subflows \\\n 5\nmptcp limits\n"],
  ["mptcp \"endpoint\" 'show'\n"],
  ["mptcp endpoint show id 99\nmptcp endpoint\n"],
  ["mptcp endpoint show id 99\nmptcp endpoint\n", "-force"],
  ["mptcp endpoint add 10.77.1.1\nmptcp endpoint flush\n"],
  ["mptcp endpoint add 10.77.1.1\nmptcp endpoint flush\n", "-fo"],
  ["mptcp endpoint", "-json -pretty"],
  ["mptcp foo\nmptcp endpoint flush\n"],
  ["", "-force"],
];
