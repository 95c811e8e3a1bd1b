/**
 * The sysctls of `net.mptcp` that can be written: each is read into the text
 * that the kernel takes.
 *
 * @module
 */

import {
  doc,
  integer,
  isMap,
  quote,
  reportType,
  scalar,
  type Type,
  unknownWord,
} from "./types.ts";

/** Switched on or off; the kernel's own 1 and 0 are taken, too. */
const onOff: Type<string> = scalar(
  "true or false",
  { anyOf: [{ type: "boolean" }, { enum: [0, 1] }] },
  (text) =>
    /^(true|1)$/.test(text) ? "1" : /^(false|0)$/.test(text) ? "0" : undefined,
);

/** What the kernel calls something, such as a scheduler. */
const name: Type<string> = scalar(
  "a name of 1 to 15 characters",
  { type: "string", pattern: "^[!-~]{1,15}$" },
  (text) => /^[!-~]{1,15}$/.test(text) ? text : undefined,
);

function number(minimum: number, maximum: number): Type<string> {
  const type = integer(minimum, maximum);
  return {
    ...type,
    read: (...value) => type.read(...value)?.toString(),
  };
}

/** `INT_MAX` jiffies, where there are 100 a second. */
const LONGEST = 21_474_836;

/** A sysctl that this version does not know: another kernel may have it. */
const other: Type<string> = scalar(
  "a text or a number",
  { type: ["string", "number", "boolean"] },
  (text) => /^[ -~]+$/.test(text) ? text : undefined,
);

const KNOWN: Readonly<Record<string, Type<string>>> = {
  enabled: doc("Whether MPTCP sockets can be made.", onOff),
  path_manager: doc(
    "Who manages new connections: `kernel` or `userspace`. Before Linux 6.15 " +
      "it is written to `pm_type`.",
    name,
  ),
  pm_type: doc(
    "The older name of `path_manager`: 0 is kernel, 1 userspace. Since Linux " +
      "5.19.",
    number(0, 1),
  ),
  scheduler: doc(
    "The packet scheduler of new connections. Since Linux 6.6.",
    name,
  ),
  add_addr_timeout: doc(
    "Seconds until an announcement without echo is sent again; 0: never. Since " +
      "Linux 5.11.",
    number(-LONGEST, LONGEST),
  ),
  allow_join_initial_addr_port: doc(
    "Whether peers may join to the address of the initial subflow. Since Linux " +
      "5.14.",
    onOff,
  ),
  checksum_enabled: doc(
    "Whether this host asks for checksums of the data. Since Linux 5.14.",
    onOff,
  ),
  stale_loss_cnt: doc(
    "How often a subflow may time out while others go on, before it is no " +
      "longer used; 0: for ever. Since Linux 5.15.",
    number(0, 0xffffffff),
  ),
  close_timeout: doc(
    "Seconds that a connection without subflows waits for a new one. Since " +
      "Linux 6.7.",
    number(-LONGEST, LONGEST),
  ),
  blackhole_timeout: doc(
    "Seconds that new connections do without MPTCP once it was found to be " +
      "blocked; 0: it is not looked at. Since Linux 6.12.",
    number(0, 0x7fffffff),
  ),
  syn_retrans_before_tcp_fallback: doc(
    "How many SYNs with MP_CAPABLE are sent again before one without it; from " +
      "128 on there is none. Since Linux 6.14.",
    number(0, 255),
  ),
};

/** What the kernel's own names look like. */
const NAME = /^[a-z][a-z0-9_]*$/;

/** The sysctls, by the names behind `net.mptcp.`. */
export const SETTINGS: Type<Readonly<Record<string, string>>> = {
  what: "a mapping of sysctls",
  keys: Object.entries(KNOWN).map(([name, type]) => ({
    ...{ name, type, isRequired: false },
  })),
  schema: {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(KNOWN).map(([name, { schema }]) => [name, schema]),
    ),
    patternProperties: {
      "^available_": false,
      [`^(?!(${Object.keys(KNOWN).join("|")})$)[a-z][a-z0-9_]*$`]: {
        description: "A sysctl that this version of mptcp does not know.",
        ...other.schema,
      },
    },
    additionalProperties: false,
  },
  read(value, path, report) {
    if (!isMap(value)) {
      return reportType(this, value, path, report);
    }
    const found: Record<string, string> = {};
    for (const [name, one] of Object.entries(value)) {
      const own = [...path, name];
      const fault = nameFault(name);
      if (fault !== undefined) {
        report(own, fault, true);
        continue;
      }
      const type = Object.hasOwn(KNOWN, name) ? KNOWN[name]! : other;
      const text = type.read(one, own, report);
      if (text !== undefined) found[name] = text;
    }
    return found;
  },
};

function nameFault(name: string): string | undefined {
  if (/^available_/.test(name)) return "this sysctl can only be read";
  if (NAME.test(name)) return undefined;
  const plain = name.replace(/^net[./]mptcp[./]/, "").replaceAll("-", "_")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
  return NAME.test(plain)
    ? `unknown sysctl ${quote(name)} (did you mean ${quote(plain)}?)`
    : unknownWord("sysctl", name, Object.keys(KNOWN));
}
