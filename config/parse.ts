import { ArgumentTypeError } from "../codec/argument_error.ts";
import { checkFlags } from "../ops/add_addr.ts";
import { flagBits, flagWords } from "../ops/flags.ts";
import type { Config, Governs, WantedEndpoint } from "./config.ts";
import { readDocument } from "./document.ts";
import { isGoverned, rangesText } from "./endpoints.ts";
import { keyOf } from "./match.ts";
import {
  FILE,
  WIDEST,
  type WrittenConfig,
  type WrittenEndpoint,
} from "./schema.ts";
import type { Path, Report } from "./types.ts";

/**
 * Reads a configuration file, which is YAML or JSON, and checks all of it. It
 * asks nobody: whether this host has a device, or room for that many endpoints,
 * is seen when it is planned.
 *
 * Scalars mean what is written: `no` is a name, `012` and `0x10` are no numbers.
 * Aliases are not supported.
 *
 * @param text What is in the file.
 * @param file Its name, for the messages. @default {"configuration"}
 * @throws {TypeError} It is no text.
 * @throws {DocumentError} Something is wrong in it; all of it is named, with
 * line and column.
 *
 * @example Read a file
 * ```ts
 * import { parseConfig } from "@mptcp/pm/config";
 *
 * const text = await Deno.readTextFile("/etc/mptcp.yaml");
 * const { endpoints } = await parseConfig(text, "/etc/mptcp.yaml");
 * console.log(endpoints);
 * ```
 */
export async function parseConfig(
  text: string,
  file = "configuration",
): Promise<Config> {
  if (typeof text !== "string") {
    throw new ArgumentTypeError(
      `Invalid configuration ${text}: a text is needed`,
    );
  }
  return await readDocument(text, file, (tree, report) => {
    if (tree === null) {
      report([], "there is nothing in it; {} is a file that wants nothing");
      return undefined;
    }
    return checked(FILE.read(tree, [], report) ?? {}, report);
  });
}

/** What is wanted, and what takes more than one value to see that it is wrong. */
function checked(
  { limits, settings, endpoints, governs: written }: WrittenConfig,
  report: Report,
): Config {
  const { subflows, add_addr_accepted: addAddrAccepted } = limits ?? {};
  const governs = written && merged(written);
  if (endpoints !== undefined) checkEndpoints(endpoints, governs, report);
  return {
    ...limits && {
      limits: {
        ...subflows !== undefined && { subflows },
        ...addAddrAccepted !== undefined && { addAddrAccepted },
      },
    },
    ...settings && { settings },
    ...endpoints && {
      endpoints: endpoints.flatMap((one, place) => wanted(one, place)),
    },
    ...governs && { governs },
  };
}

/** Ranges in order, none of which touch. */
function merged(governs: Governs): Governs {
  if (governs === "all") return governs;
  const ranges: [number, number][] = [];
  for (const [from, to] of governs.toSorted(([one], [other]) => one - other)) {
    const last = ranges.at(-1);
    if (last !== undefined && from <= last[1] + 1) {
      last[1] = Math.max(last[1], to);
    } else ranges.push([from, to]);
  }
  return ranges;
}

function wanted(
  one: WrittenEndpoint | undefined,
  place: number,
): WantedEndpoint[] {
  const { address, match, dev, id, port, each = "device" } = one ?? {};
  const flags = flagWords(flagBits(one?.flags ?? []));
  if (match !== undefined) return [{ match, each, flags, place }];
  if (address === undefined) return [];
  return [{
    address,
    ...port !== undefined && { port },
    ...id !== undefined && { id },
    ...dev !== undefined && { dev },
    ...{ flags, place },
  }];
}

function checkEndpoints(
  endpoints: readonly (WrittenEndpoint | undefined)[],
  governs: Governs = "all",
  report: Report,
): void {
  const taken = new Map<string, number>();
  for (const [place, one] of endpoints.entries()) {
    if (one === undefined) continue;
    const path = ["endpoints", place];
    checkEndpoint(one, path, report);
    const { id, address, port = 0 } = one;
    const key = address === undefined ? undefined : keyOf({ address, port });
    const twin = key && taken.get(key);
    if (twin !== undefined) {
      report(
        [...path, "address"],
        `duplicate address ${address}: endpoints[${twin}] has it`,
      );
    }
    const owner = taken.get(`id ${id}`);
    if (id !== undefined && owner !== undefined) {
      report([...path, "id"], `duplicate id ${id}: endpoints[${owner}] has it`);
    }
    if (id !== undefined && governs !== "all" && !isGoverned(id, governs)) {
      report(
        [...path, "id"],
        `this file governs ${rangesText(governs)}, not ${id}`,
      );
    }
    for (const name of [key, `id ${id}`]) {
      if (name !== undefined && !taken.has(name)) taken.set(name, place);
    }
  }
  const count = endpoints.filter((one) => one && "address" in one).length;
  if (count > WIDEST) {
    const most = `no kernel holds more than ${WIDEST}`;
    report(["endpoints"], `${count} addresses: ${most}`);
  } else if (governs !== "all") {
    const ids = governs.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    if (count <= ids) return;
    const governed = `this file governs ${rangesText(governs)} alone`;
    report(["endpoints"], `${count} addresses: ${governed}`);
  }
}

/** What goes with only one of `address` and `match`. */
const ONLY = {
  address: ["dev", "id", "port"],
  match: ["each"],
} as const;

function checkEndpoint(
  one: WrittenEndpoint,
  path: Path,
  report: Report,
): void {
  if ("address" in one === "match" in one) {
    report(
      path,
      "match" in one
        ? "address and match: one of them is needed, not both"
        : 'missing key "address", or "match" for the addresses of this host',
    );
    return;
  }
  const [kind, other] = "match" in one
    ? ["match", "address"] as const
    : ["address", "match"] as const;
  for (const key of ONLY[other]) {
    if (!(key in one)) continue;
    const hint = key === "dev" ? ": it stands in match" : "";
    report(
      [...path, key],
      `"${key}" goes with ${other}, not with ${kind}${hint}`,
      true,
    );
  }
  if ("flags" in one && one.flags === undefined) return;
  const bits = flagBits(one.flags ?? []);
  const ofFlags = contradiction(bits, 0);
  const port = kind === "address" ? one.port : undefined;
  const ofPort = contradiction(bits, port ?? 0);
  if (ofFlags !== undefined) report([...path, "flags"], ofFlags);
  else if (ofPort !== undefined) report([...path, "port"], ofPort);
}

/** Why the kernel would refuse flags and a port. */
function contradiction(bits: number, port: number): string | undefined {
  try {
    checkFlags(bits, port);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^C/, "c");
  }
}
