import { type Command, command, required } from "../words/grammar.ts";
import { idOrInitial, theToken } from "../words/operands.ts";
import { request } from "../output.ts";

/** `mptcp remove …` */
export const REMOVE: readonly Command[] = [
  command({
    words: ["remove"],
    summary: "Take an announced address back from one connection",
    operands: {
      token: theToken,
      id: required(idOrInitial),
    },
    run(pm, values) {
      pm.remove(values);
      return request(values);
    },
  }),
];
