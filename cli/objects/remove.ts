import { type Command, command, required } from "../words/grammar.ts";
import { idOrInitial, theToken } from "../words/operands.ts";
import { echo } from "../output.ts";

/** `mptcp remove …` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Take an announced address back from one connection",
    operands: {
      token: theToken,
      id: required(idOrInitial),
    },
    async run(context, values) {
      const pm = await context.pm();
      pm.remove(values);
      return echo(values);
    },
  }),
];
