/**
 * From a plan to what the kernel does.
 *
 * @module
 */

import { MptcpError } from "../codec/mptcp_error.ts";
import type { DiagOptions } from "../diag/diag.ts";
import { AGENT } from "../diag/managers.ts";
import { readSysctls } from "../diag/settings.ts";
import { NotFoundError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import { flagBits, flagWords } from "../ops/flags.ts";
import { PathManager } from "../ops/path_manager.ts";
import { keyOf, type NewEndpoint } from "./match.ts";
import { type Contents, performed, type Plan, PlanError } from "./plan.ts";
import { LIMITS } from "./settings.ts";
import { inNamespace } from "./state.ts";
import { inverseOf, type Step } from "./step.ts";

/** Where and how to apply a plan. */
export interface ApplyOptions extends DiagOptions {
  /**
   * Whether to go back when the kernel refuses a step.
   * @default {false}
   */
  readonly rollback?: boolean;
  /**
   * Whether to change what other programs manage, too.
   * @default {false}
   */
  readonly takeover?: boolean;
}

/** What was done. */
export interface Applied {
  /** The steps; empty: there was nothing to do. */
  readonly done: readonly Step[];
  /** The steps that go back, in order, for {@linkcode goBack}. */
  readonly undo: readonly Step[];
  /** What is not as it was planned, such as a flag that the kernel dropped. */
  readonly differences: readonly string[];
}

/** What is known of a plan that was not applied to its end. */
export interface Interruption extends Pick<Applied, "done" | "undo"> {
  /** The step that failed. */
  readonly failed: Step;
  /** The steps that were not tried. */
  readonly remaining: readonly Step[];
  /** Whether all that was done was taken back: then `undo` is empty. */
  readonly wentBack: boolean;
  /** Why the step failed. */
  readonly cause: Error;
}

/** A step of a plan failed; its `cause` is the kernel's refusal. */
export class ApplyError extends MptcpError implements Interruption {
  /** Name of the class, kept through minification. */
  override readonly name = "ApplyError";
  /** The steps that were done, before any was taken back. */
  readonly done: readonly Step[];
  /** The step that failed. */
  readonly failed: Step;
  /** The steps that were not tried. */
  readonly remaining: readonly Step[];
  /** The steps that go back, as far as that was not done. */
  readonly undo: readonly Step[];
  /** Whether all that was done was taken back. */
  readonly wentBack: boolean;
  /** Why the step failed. */
  override readonly cause: Error;
  /** What the refusal means, where the kernel leaves that open. */
  declare readonly hint?: string;

  /**
   * Says what was done and what was not.
   *
   * @param interruption What is known.
   */
  constructor(interruption: Interruption) {
    const { done, failed, remaining, undo, wentBack, cause } = interruption;
    const all = done.length + 1 + remaining.length;
    super(
      `${cause.message.split("\nhint: ")[0]}, in step ${
        done.length + 1
      } of ${all}; ` +
        (done.length === 0
          ? "nothing was changed"
          : wentBack
          ? "what was done before was taken back"
          : "what was done before stays"),
    );
    this.done = done;
    this.failed = failed;
    this.remaining = remaining;
    this.undo = undo;
    this.wentBack = wentBack;
    this.cause = cause;
    const { hint } = cause as { readonly hint?: string };
    if (hint !== undefined) this.hint = hint;
  }
}

/**
 * Does the steps of a plan, and then reads once what the kernel made of them. A
 * plan that was made and applied again changes nothing; one that ended half-way
 * is finished by the next.
 *
 * Needs `CAP_NET_ADMIN` if there is anything to do.
 *
 * @param plan What {@linkcode plan} found to do.
 * @param options Where, and what to do where a step is refused.
 * @throws {PlanError} Another program manages what the plan changes.
 * @throws {ApplyError} The kernel refused a step.
 *
 * @example Set the limits, unless they are set already
 * ```ts
 * import { apply, plan, readState } from "@mptcp/pm/config";
 *
 * const made = plan({ limits: { subflows: 4 } }, readState());
 * const { done } = apply(made, { rollback: true });
 * console.log(done.length > 0 ? "changed" : "as it was");
 * ```
 */
export function apply(plan: Plan, options: ApplyOptions = {}): Applied {
  const { rollback = false, takeover = false } = options;
  if (plan.contested.length > 0 && !takeover) {
    throw new PlanError(
      plan.contested.map(({ name, pid, about }) =>
        `${name} (process ${pid}) manages endpoints here, too: ${about}`
      ),
      "takeover (--takeover) does it all the same" +
        (plan.contested.some(({ name }) => name === AGENT)
          ? "; the agent shares where its file, too, governs ids of its own: "
          : ", and so does a file that says governs: all; one that governs " +
            "ids of its own shares: ") +
        "governs: { ids: 200-255 }",
    );
  }
  return inNamespace(options, (namespace) => {
    using pm = PathManager.open({ namespace });
    const undo: Step[] = [];
    for (const [index, step] of plan.steps.entries()) {
      try {
        const added = perform(step, pm, namespace);
        const inverse = inverseOf(step, added);
        if (inverse !== undefined) undo.unshift(inverse);
      } catch (cause) {
        if (!(cause instanceof MptcpError)) throw cause;
        const left = rollback ? takeBack(undo, pm, namespace) : undo;
        throw new ApplyError({
          done: plan.steps.slice(0, index),
          failed: step,
          remaining: plan.steps.slice(index + 1),
          undo: left,
          wentBack: rollback && left.length === 0,
          cause,
        });
      }
    }
    const differences = plan.steps.length === 0
      ? []
      : differencesFrom(plan, pm, namespace);
    return { done: plan.steps, undo, differences };
  });
}

/**
 * Does the steps that go back, each of them even if another one fails.
 *
 * @param undo The steps, as {@linkcode apply} returned them.
 * @param options Where.
 * @returns The steps that failed; empty: all is as it was.
 */
export function goBack(
  undo: readonly Step[],
  options: DiagOptions = {},
): Step[] {
  return inNamespace(options, (namespace) => {
    using pm = PathManager.open({ namespace });
    return takeBack(undo, pm, namespace);
  });
}

function takeBack(
  undo: readonly Step[],
  pm: PathManager,
  namespace: Namespace,
): Step[] {
  return undo.filter((step) => {
    try {
      perform(step, pm, namespace);
      return false;
    } catch (error) {
      if (!(error instanceof MptcpError)) throw error;
      return true;
    }
  });
}

/** Does a step, and returns the endpoint that it added. */
function perform(
  step: Step,
  pm: PathManager,
  namespace: Namespace,
): Endpoint | undefined {
  switch (step.op) {
    case "write-setting":
      namespace.writeFile(`/proc/sys/net/mptcp/${step.name}`, step.after);
      return;
    case "set-limits":
      pm.setLimits(step.after);
      return;
    case "set-flags": {
      const { endpoint: { id, address, port }, flags } = step;
      const [backup, fullmesh] = ["backup", "fullmesh"] as const;
      pm.setFlags({
        ...{ id, address, port },
        backup: flags.includes(backup),
        fullmesh: flags.includes(fullmesh),
      });
      return;
    }
    case "del-addr": {
      const { id, address, port } = step.endpoint;
      try {
        pm.delAddr({ id, address, port });
      } catch (error) {
        // It is gone, as it should be.
        if (!(error instanceof NotFoundError)) throw error;
      }
      return;
    }
    case "add-addr": {
      const { address, port, id, flags, ifIndex } = step.endpoint;
      return pm.addAddr({
        ...{ address, port, flags },
        ...id !== undefined && { id },
        ...ifIndex !== 0 && { dev: ifIndex },
      });
    }
  }
}

/** What is not as it was planned. */
function differencesFrom(
  { steps, before }: Plan,
  pm: PathManager,
  namespace: Namespace,
): string[] {
  const now = { settings: readSysctls(namespace), limits: pm.getLimits() };
  const endpoints = new Map(pm.dumpAddrs().map((one) => [keyOf(one), one]));
  const after = steps.reduce(performed, before);
  const isTouched = new Set(
    steps.flatMap((step) => "endpoint" in step ? keyOf(step.endpoint) : []),
  );
  return [
    ...valueDifferences(steps, now),
    ...after.endpoints.filter((one) => isTouched.has(keyOf(one)))
      .flatMap((wanted) =>
        endpointDifferences(wanted, endpoints.get(keyOf(wanted)))
      ),
  ];
}

function valueDifferences(
  steps: readonly Step[],
  now: Pick<Contents, "settings" | "limits">,
): string[] {
  return steps.flatMap((step) => {
    const wanted: [string, unknown, unknown][] = step.op === "write-setting"
      ? [[`net.mptcp.${step.name}`, step.after, now.settings[step.name]]]
      : step.op === "set-limits"
      ? LIMITS.flatMap(([name, key]) =>
        step.after[name] === undefined
          ? []
          : [[`limits.${key}`, step.after[name], now.limits[name]]]
      )
      : [];
    return wanted.filter(([, value, found]) => value !== found)
      .map(([name, value, found]) => `${name} is ${found}, not ${value}`);
  });
}

function endpointDifferences(
  wanted: NewEndpoint,
  found: Endpoint | undefined,
): string[] {
  const { address } = wanted;
  if (found === undefined) {
    return [`${address} is not there: another program removes it`];
  }
  const differences: string[] = [];
  const [bits, kept] = [wanted, found].map(({ flags }) => flagBits(flags));
  const dropped = flagWords(bits! & ~kept!);
  const more = flagWords(kept! & ~bits!);
  if (dropped.length > 0) {
    differences.push(`the kernel dropped ${dropped.join(", ")}`);
  }
  if (more.length > 0) differences.push(`it has ${more.join(", ")}, too`);
  if (wanted.id !== undefined && found.id !== wanted.id) {
    differences.push(`its id is ${found.id}, not ${wanted.id}`);
  }
  if (found.ifIndex !== wanted.ifIndex) {
    differences.push(`its device is ${found.dev ?? found.ifIndex}`);
  }
  return differences.map((text) => `${address}: ${text}`);
}
