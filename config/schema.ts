/**
 * What a configuration file can say: the one table of its checks, of the JSON
 * Schema for editors and of docs/configuration.md.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import {
  AF_INET,
  formatIPv4,
  formatIPv6,
  parseAddress,
} from "../codec/inet.ts";
import { ADDR_FLAGS } from "../codec/mptcp_pm.gen.ts";
import type { EndpointFlag } from "../ops/flags.ts";
import type { Match } from "./config.ts";
import { SETTINGS } from "./setting_types.ts";
import {
  doc,
  integer,
  isMap,
  type JsonSchema,
  listOf,
  mapOf,
  oneOf,
  quote,
  reportType,
  scalar,
  someOf,
  text,
  type Type,
  unknownWord,
} from "./types.ts";

/** The most endpoints that a kernel holds, and the highest limit: Linux 7.3. */
export const WIDEST = 64;

/** What looks like an address, as a pattern. */
const ADDRESS = "([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)";

/** Characters of the longest, with a prefix length. */
const LONGEST_ADDRESS = 49;

/** IPv4 or IPv6 address. */
const address = scalar(
  "an IPv4 or IPv6 address",
  { type: "string", pattern: `^${ADDRESS}$` },
  (text) => {
    if (text.length > LONGEST_ADDRESS) return undefined;
    const isWithPort = /^(\[.*\]|[^:]*\.[^:]*):\d+$/.test(text);
    if (!isWithPort) return parseAddress(text).text;
    throw new ArgumentTypeError(
      `Invalid address ${quote(text)}: its port stands under "port"`,
    );
  },
);

/** Bytes of the longest name: `IFNAMSIZ`, without the NUL. */
const LONGEST_NAME = 15;

/**
 * What is wrong with the name of a device (`dev_valid_name()`), or with a glob,
 * of which the shortest name that fits counts.
 */
function nameFault(name: string, shortest: string): string | undefined {
  if (name === "") return "a name is needed";
  const wrong = /[/: \t\n\v\f\r]/.exec(name)?.[0];
  if (wrong !== undefined) return `a name has no ${JSON.stringify(wrong)}`;
  if (/^\.\.?$/.test(name)) return "no device has this name";
  return new TextEncoder().encode(shortest).length > LONGEST_NAME
    ? `a name has ${LONGEST_NAME} bytes at most`
    : undefined;
}

/** The name of a device. */
const device = scalar("the name of a device", {
  type: "string",
  pattern: "^[^/: \\t\\n\\v\\f\\r]{1,15}$",
}, (name) => {
  const fault = nameFault(name, name);
  if (fault === undefined) return name;
  throw new ArgumentTypeError(`Invalid device ${quote(name)}: ${fault}`);
});

/** Names of devices: `*` is any text, `?` any character. */
const glob = scalar("the name of a device or a glob", {
  type: "string",
  pattern: "^(?!!)[^/: \\t\\n\\v\\f\\r[\\]{}]+$",
}, (text) => {
  const fault = /[[\]{}]/.test(text)
    ? "it has * for any text and ? for any character, no brackets"
    : text.startsWith("!")
    ? "what does not fit stands under not"
    : nameFault(text, text.replaceAll("*", ""));
  if (fault === undefined) return text;
  throw new ArgumentTypeError(`Invalid glob ${quote(text)}: ${fault}`);
});

/** A prefix, in its canonical text. */
const prefix = scalar(
  "a prefix as 192.0.2.0/24",
  { type: "string", pattern: `^${ADDRESS}(/[0-9]{1,3})?$` },
  (text) => {
    if (text.length > LONGEST_ADDRESS) return undefined;
    const [written, length, ...more] = text.split("/");
    const { family, bytes } = parseAddress(written!);
    const bits = bytes.length * 8;
    const isLength = length === undefined ||
      /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= bits;
    if (!isLength || more.length > 0) {
      throw new ArgumentTypeError(
        `Invalid prefix ${quote(text)}: a length from 0 to ${bits} follows "/"`,
      );
    }
    const end = Number(length ?? bits);
    const format = family === AF_INET ? formatIPv4 : formatIPv6;
    const network = bytes.map((byte, at) =>
      byte & 0xff << Math.max(0, Math.min(8, 8 * at + 8 - end))
    );
    const found = `${format(network)}/${end}`;
    if (bytes.some((byte, at) => byte !== network[at])) {
      throw new ArgumentTypeError(
        `Invalid prefix ${quote(text)}: it has bits behind its length; ` +
          `${found} or ${format(bytes)}/${bits} is meant`,
      );
    }
    return found;
  },
);

const WORDS = ADDR_FLAGS.map(([word]) => word)
  .filter((word) => word !== "implicit");

/** A flag of an endpoint. */
const flag: Type<EndpointFlag> = scalar(
  `${WORDS.slice(0, -1).join(", ")} or ${WORDS.at(-1)}`,
  {
    anyOf: [{ enum: WORDS }, { type: "string", pattern: "^0x[0-9a-f]{1,8}$" }],
  },
  (text) => {
    if (text === "implicit") {
      throw new ArgumentTypeError(
        'The flag "implicit" is given by the kernel alone',
      );
    }
    const word = WORDS.find((word) => word === text);
    if (word !== undefined) return word;
    if (/^0x[0-9a-f]{1,8}$/.test(text)) return text as EndpointFlag;
    const several = text.split(/[\s,]+/);
    if (several.every((one) => WORDS.some((word) => word === one))) {
      throw new ArgumentTypeError(
        `Unknown flag ${quote(text)}: a list is [${several.join(", ")}]`,
      );
    }
    throw new ArgumentTypeError(unknownWord("flag", text, WORDS));
  },
);

const flags = doc(
  "What the path manager does with the address; without flags it lends its id " +
    "and device to the initial subflow, and does nothing else.",
  someOf(flag, 0),
);

const FAMILIES = { ipv4: 4, ipv6: 6 } as const;
const family = oneOf("family", "ipv4", "ipv6");

/** What an address has to be; it stands for itself under `not`. */
const match: Type<Match> = {
  what: "a mapping",
  // Beside a reference nothing else counts.
  schema: { allOf: [{ $ref: "#/definitions/match" }] },
  get keys() {
    return matchKeys.keys;
  },
  read(value, path, report) {
    const found = matchKeys.read(value, path, report);
    if (found === undefined) return undefined;
    if (isMap(value) && Object.keys(value).length === 0) {
      report(path, 'nothing is asked for: `dev: "*"` fits any device');
    }
    const { dev, family, scope, address, states, not } = found;
    return {
      ...dev && { dev },
      ...family && { family: FAMILIES[family] },
      ...scope && { scope },
      ...address && { address },
      ...states && { states },
      ...not && { not },
    };
  },
};

const matchKeys = mapOf({
  dev: doc("Its device: one of these has to fit.", someOf(glob)),
  family: doc("Its family.", family),
  scope: doc(
    "How far it goes, in the words of `ip`. Absent: global, but under `not` any.",
    oneOf("scope", "global", "site", "link", "host"),
  ),
  address: doc("Prefixes: one of these has to contain it.", someOf(prefix)),
  states: doc(
    "Addresses in such a state fit, too; under `not`: only such.",
    someOf(oneOf("state", "tentative", "failed", "deprecated", "temporary")),
  ),
  not: doc("What does not fit, by the same keys.", someOf(match)),
});

const ENDPOINT = mapOf({
  address: doc(
    "The address of one endpoint. Either this or `match` is needed.",
    address,
  ),
  match: doc(
    "Makes an endpoint of every address of this host that fits: all that is " +
      "given has to hold.",
    match,
  ),
  flags,
  dev: doc(
    "The device that subflows from `address` are bound to. With `match` it is " +
      "the device that has the address.",
    device,
  ),
  id: doc(
    "The address id, with `address` alone. Absent: the kernel chooses it.",
    integer(1, 255),
  ),
  port: doc(
    "A TCP port that the kernel listens on and announces, with `address` " +
      "alone; needs the flag `signal`, and goes not with `subflow`.",
    integer(1, 65535),
  ),
  each: doc(
    "With `match` alone: `device` takes one address of each device and family, " +
      "`address` all of them. Absent: `device`.",
    oneOf("word", "device", "address"),
  ),
});

/** An endpoint as it is written: a key whose value is wrong is `undefined`. */
export interface WrittenEndpoint {
  readonly address?: string | undefined;
  readonly match?: Match | undefined;
  readonly flags?: readonly EndpointFlag[] | undefined;
  readonly dev?: string | undefined;
  readonly id?: number | undefined;
  readonly port?: number | undefined;
  readonly each?: "device" | "address" | undefined;
}

/** Ids, ends included. */
type Range = readonly [from: number, to: number];

/** An id, or a range of ids. */
const range: Type<Range> = scalar(
  "ids as 100-199",
  {
    anyOf: [
      { type: "integer", minimum: 1, maximum: 255 },
      { type: "string", pattern: "^[1-9][0-9]{0,2}(-[1-9][0-9]{0,2})?$" },
    ],
  },
  (text) => {
    const found = /^([1-9]\d*)(?:-([1-9]\d*))?$/.exec(text);
    if (found === null) return undefined;
    const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
    if (from > 255 || to > 255) {
      throw new ArgumentTypeError(
        `Invalid ids ${quote(text)}: an id is a whole number from 1 to 255`,
      );
    }
    if (from > to) {
      throw new ArgumentTypeError(
        `Invalid ids ${quote(text)}: ${to}-${from} is the right order`,
      );
    }
    return [from, to];
  },
);

const IDS = mapOf({ "ids!": doc("The ids, ends included.", someOf(range)) });

/** What the file may remove or change. */
const governs: Type<"all" | readonly Range[]> = {
  what: "all, or ids as { ids: 100-199 }",
  schema: { anyOf: [{ const: "all" }, IDS.schema] },
  keys: IDS.keys,
  read(value, path, report) {
    if (value === "all") return value;
    if (isMap(value)) return IDS.read(value, path, report)?.ids;
    return reportType(this, value, path, report);
  },
};

/** A file as it is written: what is wrong is `undefined`. */
export interface WrittenConfig {
  readonly limits?: WrittenLimits | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly endpoints?: readonly (WrittenEndpoint | undefined)[] | undefined;
  readonly governs?: "all" | readonly Range[] | undefined;
}

/** Limits as they are written. */
export interface WrittenLimits {
  readonly subflows?: number | undefined;
  readonly add_addr_accepted?: number | undefined;
}

const LIMITS = mapOf({
  subflows: doc(
    "How many subflows a connection has beside the initial one.",
    integer(0, WIDEST),
  ),
  add_addr_accepted: doc(
    "How many announced addresses of a peer a connection uses.",
    integer(0, WIDEST),
  ),
});

const endpoint: Type<WrittenEndpoint> = {
  ...ENDPOINT,
  what: "a mapping with address or match",
  schema: {
    ...ENDPOINT.schema,
    oneOf: [
      { required: ["address"], properties: { match: false, each: false } },
      {
        required: ["match"],
        properties: { address: false, dev: false, id: false, port: false },
      },
    ],
  },
};

/** A whole file. */
export const FILE: Type<WrittenConfig> = mapOf({
  limits: doc(
    "The limits of the in-kernel path manager; a limit that is absent is left " +
      "as it is. Linux before 7.3 takes up to 8.",
    LIMITS,
  ),
  settings: doc(
    "Sysctls of `net.mptcp`, by the names behind the dot; one that is absent is " +
      "left as it is. The value of one that this version of mptcp does not " +
      "know is written as it stands here.",
    SETTINGS,
  ),
  endpoints: doc(
    "The endpoints of the in-kernel path manager. Absent: they are left as they " +
      "are; an empty list: none are wanted.",
    listOf(endpoint),
  ),
  governs: doc(
    "The endpoints that this file may change or remove: `all` of them, or those " +
      "with these ids; others are left alone. Absent: all, but what NetworkManager " +
      "or mptcpd manages only with `--takeover`.",
    governs,
  ),
  $schema: doc("The JSON Schema of the file, for editors.", text),
});

/** Where the JSON Schema is described; nothing has to be loaded from there. */
const ID = "https://jsr.io/@mptcp/pm/doc/config";

/**
 * The JSON Schema (draft-07) of a configuration file, for editors: each key with
 * a description. What takes more than one value to see, such as the same address
 * twice, only {@linkcode parseConfig} finds.
 *
 * @example Write it beside a file that begins with
 * `# yaml-language-server: $schema=mptcp.schema.json`
 * ```ts
 * import { configSchema } from "@mptcp/pm/config";
 *
 * Deno.writeTextFileSync(
 *   "mptcp.schema.json",
 *   JSON.stringify(configSchema(), null, 2),
 * );
 * ```
 */
export function configSchema(): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: ID,
    title: "mptcp",
    description: "What is wanted of Multipath TCP on a host.",
    ...FILE.schema,
    definitions: {
      match: { ...matchKeys.schema, minProperties: 1 },
    },
  };
}
