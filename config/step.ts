/**
 * What a plan is made of: one change of the kernel's state each.
 *
 * @module
 */

import type { Endpoint } from "../ops/endpoint.ts";
import type { EndpointFlag } from "../ops/flags.ts";
import type { Limits } from "../ops/limits.ts";
import type { NewEndpoint } from "./match.ts";

/** What a step does to live connections; what is absent is 0. */
export interface Effect {
  /** Subflows that close. */
  readonly closes?: number;
  /** How many of them the kernel tries to open again. */
  readonly reopens?: number;
  /** Connections that may open subflows, as far as the limits allow. */
  readonly mayOpen?: number;
  /** Subflows whose priority changes; they stay open. */
  readonly changesPriority?: number;
  /** Subflows that stay as they are, though their endpoint changes. */
  readonly keeps?: number;
}

/** What all steps have. */
export interface BasicStep {
  /** What asks for it, such as `"endpoints[2]"`. */
  readonly reason: string;
  /** What it does to live connections. */
  readonly effect: Effect;
}

/** Writes a sysctl of `net.mptcp`. */
export interface WriteSetting extends BasicStep {
  /** What is done. */
  readonly op: "write-setting";
  /** The kernel's name of it. */
  readonly name: string;
  /** What it is. */
  readonly before: string;
  /** What it becomes. */
  readonly after: string;
}

/** Sets one limit or both, at once. */
export interface SetLimits extends BasicStep {
  /** What is done. */
  readonly op: "set-limits";
  /** What those that change are. */
  readonly before: Partial<Limits>;
  /** What they become. */
  readonly after: Partial<Limits>;
}

/** Changes the flags `backup` and `fullmesh` of an endpoint. */
export interface SetFlags extends BasicStep {
  /** What is done. */
  readonly op: "set-flags";
  /** The endpoint as it is. */
  readonly endpoint: Endpoint;
  /** Its flags afterwards. */
  readonly flags: readonly EndpointFlag[];
}

/** Deletes an endpoint. */
export interface DelAddr extends BasicStep {
  /** What is done. */
  readonly op: "del-addr";
  /** The endpoint. */
  readonly endpoint: Endpoint;
  /** Whether one with the same address is added afterwards. */
  readonly isReplaced: boolean;
}

/**
 * Why an endpoint cannot become what is wanted: the kernel cannot change this of
 * it, or (`room`) is too full to take an implicit one over.
 */
export type Force = "address" | "dev" | "flags" | "id" | "room";

/** Adds an endpoint. */
export interface AddAddr extends BasicStep {
  /** What is done. */
  readonly op: "add-addr";
  /** The endpoint. */
  readonly endpoint: NewEndpoint;
  /** The endpoint with this address that an earlier step deletes. */
  readonly replaces?: Endpoint;
  /** Why it could not become this one. */
  readonly forcedBy?: readonly Force[];
  /** The implicit endpoint with this address, whose id it keeps. */
  readonly takesOver?: Endpoint;
}

/** One change. */
export type Step = WriteSetting | SetLimits | SetFlags | DelAddr | AddAddr;

/**
 * The step that takes another one back; `undefined`: none can, since only the
 * kernel itself makes implicit endpoints.
 *
 * @param step What was done.
 * @param added The endpoint that it added, as the kernel stored it.
 */
export function inverseOf(step: Step, added?: Endpoint): Step | undefined {
  const common = { reason: "going back", effect: {} };
  switch (step.op) {
    case "write-setting":
    case "set-limits": {
      const { before, after } = step;
      return { ...step, ...common, before: after, after: before } as Step;
    }
    case "set-flags": {
      const { endpoint, flags } = step;
      const changed = { ...endpoint, flags };
      return {
        ...common,
        op: "set-flags",
        endpoint: changed,
        flags: endpoint.flags,
      };
    }
    case "del-addr": {
      const { endpoint } = step;
      return endpoint.flags.includes("implicit")
        ? undefined
        : { ...common, op: "add-addr", endpoint };
    }
    case "add-addr":
      return added &&
        { ...common, op: "del-addr", endpoint: added, isReplaced: false };
  }
}
