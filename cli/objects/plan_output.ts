/**
 * What `mptcp plan` and `mptcp apply` say of steps.
 *
 * @module
 */

import type {
  AddAddr,
  ApplyError,
  Contents,
  DelAddr,
  Effect,
  NewEndpoint,
  Plan,
  Step,
  Summary,
} from "../../config/mod.ts";
import type { Netns } from "../../mod.ts";
import { folded } from "../cells.ts";
import { count, deviceName, type Output } from "../output.ts";
import { snakeCase, snakeKeys } from "../snake_case.ts";
import { quote } from "../stdio.ts";
import { paint, type Screen, type Style } from "../style.ts";

/** What a plan would do. */
export function planOutput(plan: Plan, screen: Screen): Output {
  return {
    text: planText(plan, screen),
    isPainted: true,
    json: { to_do: plan.steps.length > 0, ...planJson(plan) },
  };
}

/** What was done, or would be. */
export function appliedOutput(
  plan: Plan,
  screen: Screen,
  { isDry = false }: { readonly isDry?: boolean } = {},
): Output {
  return {
    text: planText(plan, screen, !isDry),
    isPainted: true,
    json: {
      changed: plan.steps.length > 0,
      ...isDry && { dry_run: true },
      ...planJson(plan),
    },
  };
}

/** What was done of a plan before a step failed. */
export function interruptedOutput(
  { done, failed, remaining, undo, wentBack }: ApplyError,
  screen: Screen,
  netns: Netns | undefined,
): Output {
  const commands = undo.map((step) => commandOf(step, netns));
  const part = (heading: string, steps: readonly Step[]) =>
    steps.length === 0
      ? []
      : [heading, ...steps.flatMap((step) => stepLines(step, steps, screen))];
  return {
    text: [
      ...part(wentBack ? "done and taken back:" : "done:", done),
      ...part("failed:", [failed]),
      ...part("not done:", remaining),
      ...commands.length === 0 ? [] : [
        "to go back:",
        ...commands.map((text) => paint(screen, `  ${text}`, "cyan")),
      ],
    ].map((line) => `${line}\n`).join(""),
    isPainted: true,
    json: {
      changed: undo.length > 0,
      done: done.map(stepJson),
      failed: stepJson(failed),
      not_done: remaining.map(stepJson),
      went_back: wentBack,
      undo: commands,
    },
  };
}

/** What was done was taken back, but for some steps. */
export function revertedOutput(
  plan: Plan,
  left: readonly Step[],
  netns: Netns | undefined,
): Output {
  const commands = left.map((step) => commandOf(step, netns));
  return {
    text: left.length === 0
      ? "not confirmed: taken back\n"
      : "not confirmed, and not taken back; to do so:\n" +
        commands.map((text) => `  ${text}\n`).join(""),
    json: {
      changed: left.length > 0,
      confirmed: false,
      ...planJson(plan),
      undo: commands,
    },
  };
}

/** The steps for people, and what they come to. */
function planText(plan: Plan, screen: Screen, isDone = false): string {
  const { steps, others, summary } = plan;
  return [
    ...steps.flatMap((step) => stepLines(step, steps, screen)),
    ...steps.length === 0 || others.length === 0 ? [] : folded(
      `${count(others.length, "other endpoint")} ` +
        `${others.length === 1 ? "stays" : "stay"}: ` +
        others.map(({ address }) => address).join(", "),
      screen.columns,
    ),
    ...folded(
      steps.length === 0
        ? `nothing to do: ${summary.keep} as they are`
        : summaryText(summary, isDone),
      screen.columns,
    ),
  ].map((line) => `${line}\n`).join("");
}

/** What steps come to. */
function summaryText(
  { add, change, replace, remove, keep }: Summary,
  isDone: boolean,
): string {
  const parts = isDone
    ? [`${add} added`, `${change} changed`, `${replace} replaced`]
    : [`${add} to add`, `${change} to change`, `${replace} to replace`];
  const last = isDone ? `${remove} removed` : `${remove} to remove`;
  return [...parts, last, `${keep} as they are`].join(", ");
}

/** A step, and what it does to live connections. */
function stepLines(
  step: Step,
  steps: readonly Step[],
  screen: Screen,
): string[] {
  // It is told where it is added again.
  if (step.op === "del-addr" && replacing(step, steps)) return [];
  const [sign, style, text] = shown(step);
  const effect = effectText(step, effectOf(step, steps));
  return [
    ...folded(`${sign} ${text}`, screen.columns)
      .map((row) => paint(screen, row, style)),
    ...effect === "" ? [] : folded(effect, screen.columns - 4)
      .map((row) => `    ${paint(screen, row, undefined)}`),
  ];
}

/** The step that adds an endpoint again. */
function replacing(
  { endpoint: { id } }: DelAddr,
  steps: readonly Step[],
): Step | undefined {
  return steps.find((one) => one.op === "add-addr" && one.replaces?.id === id);
}

/** With that of the deletion, where one is replaced. */
function effectOf(step: Step, steps: readonly Step[]): Effect {
  const deleted = step.op === "add-addr" && step.replaces !== undefined
    ? steps.find((one) =>
      one.op === "del-addr" && one.endpoint.id === step.replaces!.id
    )
    : undefined;
  return { ...deleted?.effect, ...step.effect };
}

/** A step in a line, and what marks it. */
export function shown(
  step: Step,
): [sign: string, style: Style, text: string] {
  switch (step.op) {
    case "write-setting": {
      const { name, before, after } = step;
      return ["~", "yellow", `setting ${name} ${before} -> ${after}`];
    }
    case "set-limits": {
      const { before, after } = step;
      const limits = (Object.keys(after) as (keyof typeof after)[]).map((
        name,
      ) => `${snakeCase(name)} ${before[name]} -> ${after[name]}`);
      return ["~", "yellow", `limits ${limits.join(", ")}`];
    }
    case "set-flags": {
      const { endpoint, flags, reason } = step;
      const before = endpointText(endpoint);
      return [
        "~",
        "yellow",
        `${before} -> ${flags.join(" ") || "no flags"} (${reason})`,
      ];
    }
    case "del-addr":
      return ["-", "red", `${endpointText(step.endpoint)} (${step.reason})`];
    case "add-addr": {
      const { endpoint, replaces, reason } = step;
      const text = `${endpointText(endpoint)} (${reason}`;
      return replaces === undefined ? ["+", "green", `${text})`] : [
        "-/+",
        "magenta",
        `${endpointText(replaces)} -> ${text}, replaced: ${forced(step)})`,
      ];
    }
  }
}

/** Why an endpoint is replaced. */
function forced({ forcedBy = [], replaces }: AddAddr): string {
  if (forcedBy.includes("room")) return "there is no room to take it over";
  return replaces?.flags.includes("implicit")
    ? "the kernel made it, with another id"
    : `its ${forcedBy.join(" and ")} cannot change`;
}

/** An endpoint as `mptcp endpoint show` has it. */
export function endpointText(endpoint: NewEndpoint): string {
  const { address, port, id, flags } = endpoint;
  const dev = deviceName(endpoint);
  return [
    address,
    ...port === 0 ? [] : [`port ${port}`],
    ...id === undefined ? [] : [`id ${id}`],
    ...flags,
    ...dev === undefined ? [] : [`dev ${dev}`],
  ].join(" ");
}

/** The settings that a connection keeps as they were when it began. */
const OF_NEW = [
  ...["checksum_enabled", "enabled", "path_manager", "pm_type", "scheduler"],
  "allow_join_initial_addr_port",
];

/** What a step does to live connections. */
function effectText(step: Step, effect: Effect): string {
  const { closes, reopens, mayOpen, changesPriority, keeps } = effect;
  const parts: string[] = [];
  if (closes !== undefined) {
    parts.push(
      `closes ${count(closes, "subflow")}` +
        (reopens === undefined
          ? ""
          : reopens === closes
          ? `, and opens ${reopens === 1 ? "it" : "them"} again`
          : `, and opens ${reopens} again`),
    );
  }
  if (changesPriority !== undefined) {
    parts.push(
      `changes the priority of ${count(changesPriority, "subflow")}, ` +
        `which ${changesPriority === 1 ? "stays" : "stay"} open`,
    );
  }
  if (keeps !== undefined) {
    parts.push(
      `${count(keeps, "subflow")} ${keeps === 1 ? "stays" : "stay"} as ` +
        `${keeps === 1 ? "it is" : "they are"}`,
    );
  }
  if (mayOpen !== undefined) {
    parts.push(`${count(mayOpen, "connection")} may open subflows`);
  }
  if (step.op === "write-setting" && OF_NEW.includes(step.name)) {
    parts.push("for new connections");
  }
  return parts.join("; ");
}

function program(netns: Netns | undefined): string[] {
  return netns === undefined ? ["mptcp"] : ["mptcp", "-n", `${netns}`];
}

/** What runs a program of others in a namespace; `ip` knows no processes. */
function entering(netns: Netns | undefined): string[] {
  return netns === undefined
    ? []
    : typeof netns === "number"
    ? ["nsenter", "-t", `${netns}`, "-n"]
    : netns.includes("/")
    ? ["nsenter", `--net=${netns}`]
    : ["ip", "netns", "exec", netns];
}

function command(...words: readonly string[]): string {
  return words.map(quote).join(" ");
}

/** All of a plan but whether there is something to do. */
function planJson(plan: Plan): Record<string, unknown> {
  const { steps, summary, others, leftOut, warnings, contested } = plan;
  return {
    summary,
    steps: steps.map(stepJson),
    others: others.map(endpointJson),
    left_out: leftOut.map(endpointJson),
    warnings,
    contested: contested.map(({ name, pid, about }) => ({ name, pid, about })),
    before: contentsJson(plan.before),
    after: contentsJson(plan.after),
  };
}

/** A step, endpoints as a file has them. */
export function stepJson(step: Step): Record<string, unknown> {
  const { op, reason } = step;
  const common = { reason, effect: snakeKeys(step.effect) };
  switch (step.op) {
    case "write-setting": {
      const { name, before, after } = step;
      return { op, name, before, after, ...common };
    }
    case "set-limits":
      return {
        op,
        before: snakeKeys(step.before),
        after: snakeKeys(step.after),
        ...common,
      };
    case "set-flags":
      return {
        op,
        endpoint: endpointJson(step.endpoint),
        flags: step.flags,
        ...common,
      };
    case "del-addr": {
      const { endpoint, isReplaced } = step;
      return {
        op,
        endpoint: endpointJson(endpoint),
        replaced: isReplaced,
        ...common,
      };
    }
    case "add-addr": {
      const { endpoint, replaces, forcedBy, takesOver } = step;
      return {
        op,
        endpoint: endpointJson(endpoint),
        ...replaces && { replaces: endpointJson(replaces) },
        ...forcedBy && { forced_by: forcedBy },
        ...takesOver && { takes_over: endpointJson(takesOver) },
        ...common,
      };
    }
  }
}

/** What there is, in the words of a file. */
function contentsJson({ settings, limits, endpoints }: Contents) {
  return {
    limits: snakeKeys(limits),
    settings,
    endpoints: endpoints.map(endpointJson),
  };
}

/** An endpoint in the words of a file. */
export function endpointJson(
  endpoint: NewEndpoint,
): Record<string, unknown> {
  const { address, port, id, flags } = endpoint;
  const dev = deviceName(endpoint);
  return {
    address,
    ...port !== 0 && { port },
    ...id !== undefined && { id },
    ...dev !== undefined && { dev },
    flags,
  };
}

/** The command that does a step, in a namespace. */
function commandOf(step: Step, netns: Netns | undefined): string {
  switch (step.op) {
    case "write-setting":
      return command(
        ...[...entering(netns), "sysctl", "-w"],
        `net.mptcp.${step.name}=${step.after}`,
      );
    case "set-limits":
      return command(
        ...[...program(netns), "limits", "set"],
        ...Object.entries(step.after).flatMap(([name, value]) => [
          snakeCase(name),
          `${value}`,
        ]),
      );
    case "set-flags": {
      const { endpoint: { id }, flags } = step;
      const words = ["backup", "fullmesh"] as const;
      return command(
        ...[...program(netns), "endpoint", "change", "id", `${id}`],
        ...words.map((word) => flags.includes(word) ? word : `no${word}`),
      );
    }
    case "del-addr":
      return command(
        ...[...program(netns), "endpoint", "delete"],
        ...["id", `${step.endpoint.id}`],
      );
    case "add-addr":
      return command(
        ...[...program(netns), "endpoint", "add"],
        ...endpointText(step.endpoint).split(" "),
      );
  }
}
