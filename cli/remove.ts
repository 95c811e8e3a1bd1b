import { type Command, command, required } from "./grammar.ts";
import { idOrInitial, theToken } from "./operands.ts";
import { request } from "./render.ts";

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
