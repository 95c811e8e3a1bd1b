import { EXIT } from "../exit.ts";
import { type Command, command, required } from "../words/grammar.ts";
import { file } from "../words/operands.ts";
import { readPlan } from "./planning.ts";

/** `mptcp plan FILE` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Show what apply would do; exit code 5: there is something to do",
    operands: { file: required(file) },
    options: ["prune"],
    async run(context, { file, prune }) {
      const { plan } = await readPlan(context, file, prune);
      for (const { name } of plan.contested) {
        context.hint(
          `apply refuses without --takeover, or "governs" to share: ${name} ` +
            "manages this",
        );
      }
      const { planOutput } = await import("./plan_output.ts");
      return {
        ...planOutput(plan, context.screen),
        code: plan.steps.length === 0 ? EXIT.done : EXIT.toDo,
      };
    },
  }),
];
