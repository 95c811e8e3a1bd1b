import type { Step } from "../../config/mod.ts";
import { EXIT } from "../exit.ts";
import {
  type Command,
  command,
  required,
  UsageError,
} from "../words/grammar.ts";
import { file } from "../words/operands.ts";
import { readPlan } from "./planning.ts";

/** `mptcp apply FILE` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Make endpoints, limits and settings what a file says",
    operands: { file: required(file) },
    options: ["prune", "dry-run", "rollback", "confirm", "takeover"],
    async *run(context, { file, prune, confirm, ...options }) {
      const seconds = confirm === undefined ? undefined : duration(confirm);
      if (seconds !== undefined && file === "-") {
        throw new UsageError(
          '"--confirm" waits for Enter on standard input, which is the file ' +
            "here",
        );
      }
      const { plan, namespace } = await readPlan(context, file, prune);
      const { apply, ApplyError, goBack } = await import("../../config/mod.ts");
      const { appliedOutput, interruptedOutput } = await import(
        "./plan_output.ts"
      );
      const { screen, entered: netns } = context;
      if (options["dry-run"]) {
        yield appliedOutput(plan, screen, { isDry: true });
        return;
      }
      const isTried = seconds !== undefined && plan.steps.length > 0;
      using confirmation = isTried ? context.confirmation() : undefined;
      const { rollback, takeover } = options;
      let undo: readonly Step[];
      try {
        const done = apply(plan, { namespace, rollback, takeover });
        for (const difference of done.differences) context.hint(difference);
        undo = done.undo;
      } catch (error) {
        if (error instanceof ApplyError) {
          yield interruptedOutput(error, screen, netns);
        }
        throw error;
      }
      if (confirmation === undefined) {
        yield appliedOutput(plan, screen);
        return;
      }
      let isKept = false;
      let left: readonly Step[] = [];
      try {
        if (!context.json) yield appliedOutput(plan, screen);
        context.ask(`press Enter within ${seconds} s to keep this`);
        isKept = await confirmation.given(seconds! * 1000);
      } finally {
        // Also where the terminal is gone, and nothing can be printed.
        if (!isKept) left = goBack(undo, { namespace });
      }
      if (isKept) {
        if (context.json) yield appliedOutput(plan, screen);
        return;
      }
      const { revertedOutput } = await import("./plan_output.ts");
      yield {
        ...revertedOutput(plan, left, netns),
        code: left.length === 0 ? EXIT.timedOut : EXIT.refused,
      };
    },
  }),
];

/** Reads a time: seconds, or minutes. */
function duration(text: string): number {
  const [, number, unit] = /^(\d{1,5})([sm]?)$/.exec(text) ?? [];
  const seconds = Number(number) * (unit === "m" ? 60 : 1);
  if (seconds >= 1 && seconds <= 86400) return seconds;
  throw new UsageError(
    `Invalid time "${text}": it is seconds, 1 to 86400, as in 60s, or ` +
      "minutes, as in 5m",
  );
}
