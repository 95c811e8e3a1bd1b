/**
 * The commands that mend something, as a shell takes them.
 *
 * @module
 */

import type { Netns } from "../netlink/transport.ts";
import type { Endpoint } from "../ops/endpoint.ts";

/** A command of these words; a name may have what a shell would obey. */
export function command(...words: readonly (string | number)[]): string {
  return words.map(quote).join(" ");
}

function quote(word: string | number): string {
  const text = `${word}`;
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Deletes an endpoint. */
export function deletion({ id }: Endpoint): string {
  return command("mptcp", "endpoint", "delete", "id", id);
}

/**
 * Adds an endpoint once more, changed or not: so the kernel tries it on the
 * connections that are there.
 */
export function readd(
  endpoint: Endpoint,
  changes: Partial<Pick<Endpoint, "address" | "flags" | "dev">> = {},
): string[] {
  const { address, port, id, flags, dev } = { ...endpoint, ...changes };
  return [
    deletion(endpoint),
    command(
      ...["mptcp", "endpoint", "add", address, "id", id],
      ...port === 0 ? [] : ["port", port],
      ...dev === undefined ? [] : ["dev", dev],
      // A flag without a word cannot be set.
      ...flags.filter((flag) => !flag.startsWith("0x")),
    ),
  ];
}

/** Sets a sysctl; slashes, since the name of a device may have dots. */
export function sysctl(path: string, value: string | number): string {
  return command("sysctl", "-w", `${path}=${value}`);
}

/**
 * A command of a finding for another network namespace. What is to be run on
 * the peer stays as it is.
 *
 * @param remedy The command.
 * @param netns A name of `ip netns`, a path (any text with a slash), or a
 * process id.
 */
export function remedyIn(remedy: string, netns: Netns): string {
  if (remedy.endsWith("# on the peer")) return remedy;
  const [program, ...rest] = remedy.split(" ");
  if (program === "mptcp") return `mptcp -n ${quote(netns)} ${rest.join(" ")}`;
  // `ip` knows no processes.
  if (typeof netns === "number") return `nsenter -t ${netns} -n ${remedy}`;
  if (netns.includes("/")) return `nsenter --net=${quote(netns)} ${remedy}`;
  return program === "ip"
    ? `ip -n ${quote(netns)} ${rest.join(" ")}`
    : `ip netns exec ${quote(netns)} ${remedy}`;
}
