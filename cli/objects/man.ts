import { type Command, command } from "../words/grammar.ts";

/** `mptcp man` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Print the manual page; mptcp man | man -l - shows it",
    operands: {},
    async run() {
      const { manPage } = await import("../words/man.ts");
      const page = await manPage();
      return { text: page, json: page };
    },
  }),
];
