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
    run(context, values) {
      context.pm().remove(values);
      return echo(values);
    },
  }),
];
