/**
 * A file of what there is.
 *
 * @module
 */

import type { Endpoint } from "../ops/endpoint.ts";
import type { Config, ExactEndpoint } from "./config.ts";
import { isImplicit } from "./endpoints.ts";
import { isReadOnly } from "./settings.ts";
import type { PresentState } from "./state.ts";

/**
 * What there is, as what is wanted: to apply it changes nothing. Endpoints are
 * left out that a file cannot name, such as the implicit ones, which only the
 * kernel makes.
 *
 * @param state What there is.
 *
 * @example Keep what there is now
 * ```ts
 * import { apply, configOf, plan, readState } from "@mptcp/pm/config";
 *
 * const kept = configOf(readState());
 * // Later, whatever was done meanwhile:
 * apply(plan(kept, readState(), { prune: true }));
 * ```
 */
export function configOf(
  state: PresentState,
): Required<Omit<Config, "governs">> {
  const { settings, limits, endpoints } = state;
  // The older name of another one.
  const isAlias = (name: string) =>
    name === "pm_type" && Object.hasOwn(settings, "path_manager");
  return {
    limits,
    settings: Object.fromEntries(
      Object.entries(settings).filter(([name]) =>
        !isReadOnly(name) && !isAlias(name)
      ),
    ),
    endpoints: endpoints.filter((one) => unsayable(one) === undefined).map((
      { address, port, id, flags, ifIndex, dev = `if${ifIndex}` },
      place,
    ): ExactEndpoint => ({
      ...{ address, id, flags, place },
      ...port !== 0 && { port },
      ...ifIndex !== 0 && { dev },
    })),
  };
}

/** Why a file cannot name an endpoint. */
function unsayable(endpoint: Endpoint): string | undefined {
  const { ifIndex } = endpoint;
  return isImplicit(endpoint)
    ? "the kernel made it by itself (implicit)"
    : ifIndex < 0
    ? `it has the device index ${ifIndex}`
    : undefined;
}

/**
 * A file of what there is, in YAML; to apply it changes nothing. What it cannot
 * say, a comment says.
 *
 * @param state What there is.
 *
 * @example Write down what there is
 * ```ts
 * import { exportState, readState } from "@mptcp/pm/config";
 *
 * console.log(exportState(readState()));
 * ```
 */
export function exportState(state: PresentState): string {
  const { limits, settings, endpoints } = configOf(state);
  const { subflows, addAddrAccepted } = limits;
  const comments = state.endpoints.flatMap((one) => {
    const reason = unsayable(one);
    return reason === undefined ? [] : [
      `# left out: ${one.address} id ${one.id}: ${reason}` +
      (isImplicit(one) ? "" : "; --prune would remove it"),
    ];
  });
  return [
    "# yaml-language-server: $schema=mptcp.schema.json",
    "# for editors; beside this file: mptcp schema >mptcp.schema.json",
    `# what there was on Linux ${state.kernel}`,
    "limits:",
    `  subflows: ${subflows}`,
    `  add_addr_accepted: ${addAddrAccepted}`,
    "settings:",
    ...Object.entries(settings).map(([name, value]) =>
      `  ${name}: ${scalar(value)}`
    ),
    endpoints.length === 0 ? "endpoints: []" : "endpoints:",
    ...(endpoints as readonly ExactEndpoint[]).flatMap(endpointLines),
    ...comments,
  ].map((line) => `${line}\n`).join("");
}

function endpointLines(
  { address, port, id, dev, flags }: ExactEndpoint,
): string[] {
  return [
    `  - address: ${scalar(address)}`,
    ...port === undefined ? [] : [`    port: ${port}`],
    `    id: ${id}`,
    ...dev === undefined ? [] : [`    dev: ${scalar(dev)}`],
    `    flags: [${flags.join(", ")}]`,
  ];
}

/** What YAML, or a terminal, takes for something else than a character. */
const CONTROL = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** What other programs than this one take for something else than a text. */
const WORD = /^(null|true|false|yes|no|on|off|y|n)$/i;

/** A text that YAML takes for nothing else. */
function scalar(text: string): string {
  const isPlain = /^([\d.]+|[A-Za-z][\w.-]*)$/.test(text) && !WORD.test(text);
  return isPlain ? text : JSON.stringify(text).replaceAll(
    CONTROL,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
