/**
 * From what is wanted and what there is to the steps between the two.
 *
 * @module
 */

import { integer, tcpPort } from "../codec/arguments.ts";
import { parseAddress } from "../codec/inet.ts";
import { MptcpError } from "../codec/mptcp_error.ts";
import { AGENT, type Manager } from "../diag/managers.ts";
import { adviceFor, NO_SUBFLOWS } from "../ops/advice.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import { flagBits, flagWords } from "../ops/flags.ts";
import type { Limits } from "../ops/limits.ts";
import type { Config } from "./config.ts";
import { type EndpointPlan, flagsKnownTo, planEndpoints } from "./endpoints.ts";
import { keyOf, type NewEndpoint, type WantedAddress } from "./match.ts";
import { LIMITS, planLimits, planSettings, written } from "./settings.ts";
import type { PresentState } from "./state.ts";
import type { AddAddr, Step } from "./step.ts";

/** What a file can say of a host, and the host too. */
export interface Contents {
  /** The sysctls of `net.mptcp`, as text by the kernel's names. */
  readonly settings: Readonly<Record<string, string>>;
  /** The limits. */
  readonly limits: Limits;
  /** The endpoints. */
  readonly endpoints: readonly NewEndpoint[];
}

/** How many settings, limits and endpoints there are to do something about. */
export interface Summary {
  /** Endpoints that are added. */
  readonly add: number;
  /** Settings, limits and endpoints that change. */
  readonly change: number;
  /** Endpoints that are deleted and added again. */
  readonly replace: number;
  /** Endpoints that are deleted. */
  readonly remove: number;
  /** Settings, limits and endpoints that are as they are wanted. */
  readonly keep: number;
}

/** What is to be done, in order. */
export interface Plan {
  /** The steps; empty: there is nothing to do. */
  readonly steps: readonly Step[];
  /** What they come to. */
  readonly summary: Summary;
  /** What there is. */
  readonly before: Contents;
  /** What there will be. */
  readonly after: Contents;
  /** Endpoints that the file does not want, and that stay. */
  readonly others: readonly Endpoint[];
  /** Endpoints that fit, and that the kernel has no room for. */
  readonly leftOut: readonly NewEndpoint[];
  /** What is done and hardly does what is meant. */
  readonly warnings: readonly string[];
  /**
   * Programs that manage what the steps change, where the file does not say how
   * to share with them.
   */
  readonly contested: readonly Manager[];
}

/** How to plan. */
export interface PlanOptions {
  /**
   * Whether to remove the endpoints that the file governs and does not want, or
   * which of them. @default {false}
   */
  readonly prune?: boolean | ((endpoint: Endpoint) => boolean);
}

/** What a file wants cannot be done here, and nothing was changed. */
export class PlanError extends MptcpError {
  /** Name of the class, kept through minification. */
  override readonly name = "PlanError";
  /** Why, each in a sentence. */
  readonly reasons: readonly string[];
  /** What would be right, where that is the same for all. */
  declare readonly hint?: string;

  /**
   * Lists why.
   *
   * @param reasons Why, each in a sentence.
   * @param hint What would be right.
   */
  constructor(reasons: readonly string[], hint?: string) {
    super(`Cannot be applied: ${reasons.join("\nCannot be applied: ")}`);
    this.reasons = reasons;
    if (hint !== undefined) this.hint = hint;
  }
}

/**
 * Plans the steps from what there is to what is wanted: the fewest that the
 * kernel takes, in an order in which it refuses none. It asks nobody, so it can
 * be tried on a saved state.
 *
 * @param config What is wanted.
 * @param state What there is.
 * @param options How to plan.
 * @throws {RangeError} A limit, an id or a port is out of range.
 * @throws {PlanError} It cannot be done: an id belongs to another endpoint, the
 * kernel has no room, a device is not there.
 *
 * @example What would change?
 * ```ts
 * import { plan, readState } from "@mptcp/pm/config";
 *
 * const { steps } = plan({ limits: { subflows: 4 } }, readState());
 * for (const { op, reason } of steps) console.log(op, reason);
 * ```
 */
export function plan(
  config: Config,
  state: PresentState,
  { prune = false }: PlanOptions = {},
): Plan {
  checkNumbers(config);
  const settings = planSettings(config, state);
  const limits = planLimits(config, state);
  const endpoints = planEndpoints(config, state, prune);
  const refusals = [settings, limits, endpoints].flatMap((part) =>
    part.refusals
  );
  if (prune === true && config.endpoints === undefined) {
    refusals.push(
      "prune removes endpoints that are not in the file, and the file has no " +
        "endpoints: an empty list, written out, means none",
    );
  }
  if (refusals.length > 0) throw new PlanError(refusals);
  // What can be refused without being foreseen comes first.
  const steps = [...settings.steps, ...limits.steps, ...endpoints.steps];
  const before = contentsOf(state);
  const after = steps.reduce(performed, before);
  const rivals = state.managers.found.filter((manager) =>
    steps.some((step) => isOf(manager, step))
  );
  const isShared = ({ name }: Manager) =>
    config.governs !== undefined && name !== AGENT;
  return {
    steps,
    summary: summaryOf(steps, [settings, limits], endpoints),
    before,
    after,
    others: endpoints.others,
    leftOut: endpoints.leftOut,
    warnings: [
      ...warningsOf(config, state, endpoints, after),
      ...config.governs === "all"
        ? rivals.filter(isShared).map(({ name, pid, about }) =>
          `${name} (process ${pid}) manages this, too: ${about}`
        )
        : [],
    ],
    contested: rivals.filter((one) => !isShared(one)),
  };
}

/** Those of a file are checked as it is read. */
function checkNumbers({ limits = {}, endpoints = [] }: Config): void {
  for (const [name] of LIMITS) {
    const limit = limits[name];
    if (limit !== undefined) integer(`limits.${name}`, limit, 0, 0xffffffff);
  }
  for (const one of endpoints) {
    if ("match" in one) continue;
    const { id, port, place } = one;
    if (id !== undefined) integer(`endpoints[${place}].id`, id, 1, 255);
    if (port !== undefined) tcpPort(`endpoints[${place}].port`, port);
  }
}

/** What a file can say of what there is. */
export function contentsOf(
  { settings, limits, endpoints }: PresentState,
): Contents {
  return { settings, limits, endpoints };
}

/** What there is after a step. */
export function performed(contents: Contents, step: Step): Contents {
  const { settings, limits, endpoints } = contents;
  switch (step.op) {
    case "write-setting": {
      const { name, after } = step;
      return { ...contents, settings: written(settings, name, after) };
    }
    case "set-limits":
      return { ...contents, limits: { ...limits, ...step.after } };
    case "set-flags": {
      const { endpoint: { id }, flags } = step;
      return {
        ...contents,
        endpoints: endpoints.map((one) =>
          one.id === id ? { ...one, flags } : one
        ),
      };
    }
    case "del-addr": {
      const key = keyOf(step.endpoint);
      return {
        ...contents,
        endpoints: endpoints.filter((one) => keyOf(one) !== key),
      };
    }
    case "add-addr": {
      const { endpoint, takesOver } = step;
      const added = takesOver === undefined
        ? endpoint
        : { ...endpoint, id: takesOver.id };
      const key = keyOf(added);
      return {
        ...contents,
        endpoints: [...endpoints.filter((one) => keyOf(one) !== key), added],
      };
    }
  }
}

function summaryOf(
  steps: readonly Step[],
  values: readonly { readonly kept: number }[],
  { kept }: EndpointPlan,
): Summary {
  const count = (weigh: (step: Step) => number) =>
    steps.reduce((sum, step) => sum + weigh(step), 0);
  const isReplacing = (step: Step) =>
    step.op === "add-addr" && step.replaces !== undefined;
  return {
    add: count((step) => Number(step.op === "add-addr" && !isReplacing(step))),
    change: count((step) =>
      step.op === "set-limits"
        ? Object.keys(step.after).length
        : Number(step.op === "write-setting" || step.op === "set-flags")
    ),
    replace: count((step) => Number(isReplacing(step))),
    remove: count((step) => Number(step.op === "del-addr" && !step.isReplaced)),
    keep: values.reduce((sum, { kept }) => sum + kept, kept.length),
  };
}

/** What is said of addresses that match nothing. */
export const FITS_NOTHING = "fits no address of this host";

function warningsOf(
  { limits: { subflows = NaN } = {}, endpoints = [] }: Config,
  state: PresentState,
  { steps, leftOut, unmatched }: EndpointPlan,
  after: Contents,
): string[] {
  const warnings: string[] = [];
  const { kernel, capacity, unknown } = state;
  if (steps.length > 0 && unknown.connections !== undefined) {
    warnings.push(
      "what this does to live connections is not known: " + unknown.connections,
    );
  }
  const lost = stranded(state, steps);
  if (lost > 0) {
    warnings.push(
      `${lost} connection${lost === 1 ? " loses its" : "s lose their"} last ` +
        "subflow, and will end unless an endpoint is added soon " +
        "(net.mptcp.close_timeout)",
    );
  }
  for (const place of unmatched) {
    warnings.push(`endpoints[${place}] ${FITS_NOTHING}`);
  }
  for (const one of leftOut) {
    warnings.push(
      `endpoints[${(one as WantedAddress).place}]: ${one.address} is left ` +
        `out: this kernel holds ${capacity} endpoints`,
    );
  }
  const dropped = flagWords(
    endpoints.reduce((bits, { flags }) => bits | flagBits(flags), 0) &
      ~flagsKnownTo(kernel),
  );
  if (dropped.length > 0) {
    warnings.push(`this kernel does not know the flag ${dropped.join(", ")}`);
  }
  const added = steps.filter((step) => step.op === "add-addr");
  if (
    subflows > state.limits.subflows && state.connections > 0 &&
    added.length === 0
  ) {
    warnings.push(
      "live connections open more subflows only once an endpoint is added",
    );
  }
  const advice = added.flatMap((step) => adviceOn(step, state, after) ?? []);
  if (subflows === 0) advice.unshift(NO_SUBFLOWS);
  return [...warnings, ...new Set(advice)];
}

/** Connections that have no subflow afterwards, and get none. */
function stranded(
  { dependents }: PresentState,
  steps: EndpointPlan["steps"],
): number {
  if (steps.some(({ effect }) => effect.mayOpen !== undefined)) return 0;
  const closed = new Set(
    steps.flatMap((step) =>
      step.effect.closes !== undefined && step.effect.reopens === undefined
        ? step.endpoint.id
        : []
    ),
  );
  return dependents.filter(({ ids }) => ids.every((id) => closed.has(id)))
    .reduce((sum, { connections }) => sum + connections, 0);
}

/** Why an endpoint hardly does what is meant. */
function adviceOn(
  { endpoint }: AddAddr,
  { addresses, links }: PresentState,
  { limits }: Contents,
): string | undefined {
  const link = links.find(({ ifIndex }) => ifIndex === endpoint.ifIndex);
  const own = parseAddress(endpoint.address);
  const isHere = addresses.some(({ address }) =>
    keyOf({ address, port: 0 }) === keyOf({ ...endpoint, port: 0 })
  );
  if (endpoint.port !== 0 && !isHere) {
    return `${own.text} is not on this host: the kernel refuses a port of it, ` +
      "unless the host takes packets to it all the same";
  }
  const raw = { ...endpoint, id: 0, flags: flagBits(endpoint.flags) };
  return adviceFor(raw, own, {
    limits: () => limits,
    addresses: () =>
      addresses.map(({ address, ifIndex, scope }) => ({
        bytes: parseAddress(address).bytes,
        ifIndex,
        scope: scope === "global" ? 0 : Number(scope) || 1,
      })),
    deviceName: (index) => links.find(({ ifIndex }) => ifIndex === index)?.dev,
  }) ?? (link === undefined || link.usable || link.flags.includes("loopback")
    ? undefined
    : `${link.dev} is down or has no carrier: nothing passes it`);
}

/** Whether a program manages what a step changes. */
function isOf({ devices, ids }: Manager, step: Step): boolean {
  if (devices === undefined && ids === undefined) {
    return step.op !== "write-setting";
  }
  if (step.op !== "del-addr" && step.op !== "set-flags") return false;
  const { id, port, ifIndex } = step.endpoint;
  // NetworkManager sets no limits, and its endpoints have a device that it
  // manages, and no port.
  return ids === undefined
    ? port === 0 && devices!.includes(ifIndex)
    : ids.some(({ from, to }) => from <= id && id <= to);
}
