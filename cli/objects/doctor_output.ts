/**
 * What `mptcp doctor` says.
 *
 * @module
 */

import {
  type Finding,
  remedyIn,
  type Snapshot,
  type Status,
} from "../../doctor/mod.ts";
import { folded } from "../cells.ts";
import { count, type Output } from "../output.ts";
import { paint, type Screen, type Style } from "../style.ts";
import { targetJson, wayLines } from "./target_output.ts";

/** Where it is shown, and which namespace it is about. */
interface Place {
  readonly screen: Screen;
  readonly netns: Parameters<typeof remedyIn>[1] | undefined;
}

const STYLES: Readonly<Record<Status, Style>> = {
  problem: "red",
  warning: "yellow",
  unknown: "magenta",
  ok: "green",
};

const INDENT = " ".repeat(9);

/** Findings for people and for programs. */
export function report(
  findings: readonly Finding[],
  snapshot: Snapshot,
  healthy: boolean | null,
  ignored: readonly string[],
  { screen, netns }: Place,
): Output {
  const found = netns === undefined ? findings : findings.map((one) => ({
    ...one,
    remedies: one.remedies.map((remedy) => remedyIn(remedy, netns)),
  }));
  const isTarget = ({ check }: Finding) => check === "target";
  const rest = found.filter((one) => !isTarget(one));
  const ways = wayLines(snapshot, screen, INDENT.length);
  const blocks = [
    ...found.filter(isTarget).map((finding) =>
      block({ ...finding, evidence: [] }, found, screen, ways)
    ),
    ...rest.filter(isOwn).map((finding) => block(finding, rest, screen)),
    ...unknown(rest, screen),
    ...line(rest, "ok", screen),
    ...folded(summary(found, snapshot, ignored), screen.columns)
      .map((row) => `${row}\n`),
  ];
  return {
    text: blocks.join(""),
    isPainted: true,
    json: {
      ...{ version: 1, healthy, ignored },
      ...snapshot.target !== undefined && { target: targetJson(snapshot) },
      findings: found,
    },
  };
}

/** A cause of its own, not a consequence. */
function isOwn({ status, because }: Finding): boolean {
  return (status === "problem" || status === "warning") &&
    because === undefined;
}

function block(
  finding: Finding,
  all: readonly Finding[],
  screen: Screen,
  painted: readonly string[] = [],
): string {
  const { status, check, summary, evidence, remedies } = finding;
  const width = screen.columns - INDENT.length;
  const rows = (text: string, style?: Style) =>
    folded(text, width).map((row) => paint(screen, row, style));
  const [first = "", ...more] = rows(`${check}: ${summary}`, "bold");
  const follows = Array.from(new Set(consequences(finding, all)));
  const blind = follows.filter(isUnknown).map(({ check }) => check);
  return [
    `${paint(screen, status.padEnd(INDENT.length), STYLES[status])}${first}`,
    ...[
      ...more,
      ...painted,
      ...evidence.flatMap((one) => rows(`- ${one}`, "dim")),
      ...follows.filter((one) => !isUnknown(one)).flatMap((one) =>
        rows(`so ${one.check}: ${one.summary}`)
      ),
      ...blind.length === 0
        ? []
        : rows(`so there is nothing to look at for: ${blind.join(", ")}`),
      ...remedies.length === 0 ? [] : ["to mend it:"],
      // A command is in one line, to be copied.
      ...remedies.map((remedy) => paint(screen, `  ${remedy}`, "cyan")),
    ].map((row) => INDENT + row),
  ].map((row) => `${row}\n`).join("");
}

/** What follows from a finding, and what follows from that. */
function consequences(
  { check, about }: Finding,
  all: readonly Finding[],
): Finding[] {
  const next = all.filter((other) =>
    other.because?.includes(check) &&
    (other.about === undefined || about === undefined || other.about === about)
  );
  return next.flatMap((one) => [one, ...consequences(one, all)]);
}

function isUnknown({ status }: Finding): boolean {
  return status === "unknown";
}

/** What could not be looked at for reasons of its own, by the reason. */
function unknown(all: readonly Finding[], screen: Screen): string[] {
  const reasons = Map.groupBy(
    all.filter((one) => isUnknown(one) && one.because === undefined),
    ({ summary }) => summary,
  );
  return Array.from(reasons, ([why, findings]) => {
    const checks = findings.map(({ check }) => check).join(", ");
    return labelled("unknown", `${checks}: ${why}`, screen);
  });
}

function line(
  all: readonly Finding[],
  status: Status,
  screen: Screen,
): string[] {
  const checks = all.filter((one) => one.status === status)
    .map(({ check }) => check);
  return checks.length === 0
    ? []
    : [labelled(status, checks.join(", "), screen)];
}

function labelled(status: Status, text: string, screen: Screen): string {
  return folded(text, screen.columns - INDENT.length).map((row, at) =>
    (at === 0
      ? paint(screen, status.padEnd(INDENT.length), STYLES[status])
      : INDENT) + `${paint(screen, row, undefined)}\n`
  ).join("");
}

function summary(
  all: readonly Finding[],
  { durationMs, more, most }: Snapshot,
  ignored: readonly string[],
): string {
  const blind =
    all.filter((one) => isUnknown(one) && one.because === undefined).length;
  const own = (status: Status) =>
    all.filter((one) => one.status === status && isOwn(one)).length;
  const checks = new Set(all.map(({ check }) => check)).size;
  return [
    `${count(checks, "check")} in ${(durationMs / 1000).toFixed(1)} s`,
    count(own("problem"), "problem"),
    count(own("warning"), "warning"),
    ...blind === 0 ? [] : [`${blind} could not look`],
    ...more ? [`no more than ${most} connections were looked at`] : [],
    ...ignored.length === 0 ? [] : [`left out: ${ignored.join(", ")}`],
  ].join(", ");
}
