/**
 * The operands that several commands share.
 *
 * @module
 */

import type { ConnectionFilter, SocketState } from "../../diag/mod.ts";
import {
  type Candidate,
  integer,
  type Operand,
  option,
  required,
  text,
  token as readToken,
  UsageError,
  type Values,
  withoutPort,
  words,
} from "./grammar.ts";

/** The device of an endpoint or subflow. */
export const dev: Operand<string, false> = option(
  "dev",
  "IF",
  "network device, by name",
  text,
  [["@dev", "network device"]],
);

/** An address id. */
export const id: Operand<number, false> = option(
  "id",
  "N",
  "address id, 1 to 255",
  integer,
);

/** An address id, that of the initial subflow too. */
export const idOrInitial: Operand<number, false> = option(
  "id",
  "N",
  "address id, 0 to 255; 0 is the initial subflow's",
  integer,
);

/** A TCP port. */
export const port: Operand<number, false> = option(
  "port",
  "N",
  "TCP port, 1 to 65535; 0 is none",
  integer,
);

/** A connection. */
export const token: Operand<number, false> = option(
  "token",
  "T",
  "connection with the userspace path manager, as printed, 0x… or decimal",
  readToken,
  [["@token", "connection"]],
);

/** A connection that must be given. */
export const theToken: Operand<number, true> = required(token);

/** Offers what `@id` or `@address` stands for when a shell completes. */
export function offering<Kind extends Operand<unknown>>(
  operand: Kind,
  word: "@id" | "@address",
): Kind {
  return { ...operand, values: [[word, "endpoint"]] };
}

/** A configuration file. */
export const file: Operand<string, false> = {
  usage: "FILE",
  help: "what is wanted; - is standard input",
  required: false,
  words: [],
  values: [],
  takesValue: false,
  read(word, _value, before) {
    if (word === "") throw new UsageError("FILE is empty: a name is needed");
    if (before === undefined) return word;
    throw new UsageError(
      `Two files, "${before}" and "${word}": one is needed`,
    );
  },
};

/** How long to wait before the next look. */
export const interval: Operand<number, false> = option(
  "interval",
  "SECONDS",
  "go on, and look again so often, 0.1 to 86400",
  seconds,
);

/** Reads how long to wait before the next look. */
export function seconds(keyword: string, value: string): number {
  const number = secondsIn(value);
  if (number >= 0.1 && number <= 86400) return number;
  throw new UsageError(
    `Invalid ${keyword} "${value}": it is seconds, 0.1 to 86400`,
  );
}

/** The seconds of `0.5`, `500ms`, `3s` or `1m`; `NaN`: it is no time. */
export function secondsIn(value: string): number {
  const [, number, unit = "s"] = value.match(/^(\d+(?:\.\d+)?)(ms|s|m)?$/) ??
    [];
  return Number(number) * UNITS[unit]! / 1000;
}

/** The word that makes a subflow a spare. */
export const BACKUP: readonly ["backup", string] = [
  "backup",
  "carry data only when other subflows cannot",
];
/** The word that takes that back. */
export const NOBACKUP: readonly ["nobackup", string] = [
  "nobackup",
  "carry data always",
];
/** The word that makes a full mesh. */
export const FULLMESH: readonly ["fullmesh", string] = [
  "fullmesh",
  "connect to every address of the peer",
];

/**
 * A time such as `500ms`, `3s` or `1m`, as milliseconds; a number is seconds.
 *
 * @param least The shortest, written as such a time.
 * @param most The longest.
 */
export function duration(
  keyword: string,
  help: string,
  least: string,
  most: string,
): Operand<number, false> {
  const range = `${least} to ${most}`;
  return option(keyword, "TIME", `${help}; ${range}`, (_, value) => {
    const [given, from, to] = [value, least, most].map(secondsIn);
    if (given! >= from! && given! <= to!) return given! * 1000;
    throw new UsageError(
      `Invalid ${keyword} "${value}": it is a time from ${range}, such as 3s`,
    );
  });
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** `{ backup: true }` for the word "backup", `{ backup: false }` for "nobackup". */
export function switched<Flag extends string>(
  flag: Flag,
  words: readonly string[],
): { [name in Flag]?: boolean } {
  const on = words.includes(flag);
  const off = words.includes(`no${flag}`);
  if (on && off) {
    throw new UsageError(`"${flag}" and "no${flag}" contradict each other`);
  }
  return (on || off ? { [flag]: on } : {}) as { [name in Flag]?: boolean };
}

/** The states that a connection or subflow can be in. */
const STATES: readonly (readonly [SocketState, string])[] = [
  ["established", "data can flow"],
  ["syn-sent", "being opened by this host"],
  ["syn-recv", "being opened by the peer"],
  ["fin-wait-1", "closed by this host, which waits for the ack"],
  ["fin-wait-2", "closed by this host"],
  ["close-wait", "closed by the peer"],
  ["last-ack", "closed by both, waits for the last ack"],
  ["closing", "closed by both at once"],
  ["closed", "not connected"],
];

/** What `to`, `from` and `port` say. */
type Ends = Pick<
  ConnectionFilter,
  "from" | "fromPort" | "to" | "toPort" | "port"
>;

const END_WORDS: readonly Candidate[] = [
  ["to", "with a subflow to this address of the peer"],
  ["from", "with a subflow from this address of this host"],
  ["port", "the port of the address in front of it, or of either end"],
];

/** Where connections go to and come from. */
const ends: Operand<Ends & { readonly last?: "to" | "from" }, false> = {
  usage: "to|from ADDR [port N] …",
  help: "those with a subflow to an address of the peer, from one of this host",
  required: false,
  words: END_WORDS,
  values: [],
  takesValue: true,
  read(word, value, before = {}) {
    if (word === "to" || word === "from") {
      if (before[word] !== undefined) {
        throw new UsageError(`"${word}" is given twice`);
      }
      const address = withoutPort("port")(word, value());
      return { ...before, [word]: address, last: word };
    }
    if (word !== "port") return undefined;
    const name = before.last === undefined
      ? "port"
      : `${before.last}Port` as const;
    if (before[name] !== undefined) {
      throw new UsageError(`"port" is given twice`);
    }
    // Here with the word of the line: the library would say `toPort`.
    return { ...before, [name]: tcpPort(value()) };
  },
};

/** A place to connect to: its port comes with it, or in the next words. */
export const place: Operand<
  { readonly host: string; readonly port?: number },
  false
> = {
  usage: "to HOST:PORT | to HOST port N",
  help: "connect there, from each device, and say what becomes of it; the " +
    "server gets a carriage return",
  required: false,
  words: [
    ["to", "connect to a host"],
    ["port", "the port of the host in front of it"],
  ],
  values: [],
  takesValue: true,
  read(word, value, before) {
    if (word === "to") {
      if (before !== undefined) throw new UsageError(`"to" is given twice`);
      return hostAndPort(value());
    }
    if (word !== "port") return undefined;
    if (before === undefined) {
      throw new UsageError(`"port" stands behind the host: to HOST port N`);
    }
    if (before.port !== undefined) {
      throw new UsageError(`"port" is given twice`);
    }
    return { ...before, port: tcpPort(value()) };
  },
};

/** Reads `example.org:443`, `10.0.0.1:443` or `[2001:db8::1]:443`. */
function hostAndPort(
  text: string,
): { readonly host: string; readonly port?: number } {
  const [, scheme, name] = text.match(/^(\w+):\/\/\[?([^/\]]*)/) ?? [];
  if (scheme !== undefined) {
    throw new UsageError(`Invalid place "${text}": it is a host and a port`, {
      hint: `write ${name!.replace(/:\d+$/, "")}:443`,
    });
  }
  const [, bracketed, inside, behind] = text.match(/^(\[(.*)\])(?::(.*))?$/) ??
    [];
  // An address with colons has no port behind it, unless it is in brackets.
  const [, host, port] = bracketed !== undefined
    ? [text, inside!, behind]
    : text.match(/^([^:]*):([^:]*)$/) ?? [text, text];
  if (host!.includes(":") && !V6.test(host!)) {
    throw new UsageError(`Invalid place "${text}": it is a host and a port`);
  }
  if (host === "") {
    throw new UsageError(`Invalid place "${text}": the host is missing`);
  }
  return {
    host: host!,
    ...port !== undefined && { port: tcpPort(port) },
  };
}

/** Whether a host with colons can be an IPv6 address, with a zone or without. */
const V6 = /^[0-9a-f:]+(\d+(\.\d+){3})?(%.+)?$/i;

function tcpPort(text: string): number {
  const port = integer("port", text);
  if (port >= 1 && port <= 65535) return port;
  throw new UsageError(
    `Invalid port ${port}: it is an integer from 1 to 65535`,
  );
}

/** Which connections to show. */
export const connectionFilter: {
  readonly token: Operand<number, false>;
  readonly ends: typeof ends;
  readonly dev: Operand<string, false>;
  readonly state: Operand<SocketState, false>;
  readonly fallback: Operand<readonly "fallback"[], false>;
} = {
  token: option(
    "token",
    "T",
    "one connection, as printed, 0x… or decimal",
    readToken,
    [["@token", "connection"]],
  ),
  ends,
  dev: option("dev", "IF", "those with a subflow on this device", text, [
    ["@dev", "network device"],
  ]),
  state: option(
    "state",
    "S",
    "those in a state of ss, as in fin-wait-1, or a subflow of theirs",
    state,
    STATES,
  ),
  fallback: words("fallback", "those that fell back to TCP", [
    ["fallback", "those that fell back to TCP"],
  ]),
};

/** As `ss` writes states, in its filters or in its output. */
function state(_keyword: string, given: string): SocketState {
  const wanted = given.toLowerCase().replaceAll("_", "-")
    .replace(/^estab$/, "established").replace(/^(fin-wait)(\d)$/, "$1-$2")
    .replace(/^unconn$|^close$/, "closed");
  const known = STATES.map(([word]) => word);
  const found = known.find((word) => word === wanted);
  if (found !== undefined) return found;
  throw new UsageError(
    `Unknown state "${given}": known are ${known.join(", ")}`,
    { given: wanted, known },
  );
}

/** What was given of {@linkcode connectionFilter}, for the library. */
export function filterOf(
  { token, ends: { last: _, ...ends } = {}, dev, state, fallback }: Values<
    typeof connectionFilter
  >,
): ConnectionFilter {
  return {
    ...token !== undefined && { token },
    ...ends,
    ...dev !== undefined && { dev },
    ...state !== undefined && { state },
    ...fallback !== undefined && { fallback: true },
  };
}
