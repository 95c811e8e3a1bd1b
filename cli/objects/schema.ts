import { type Command, command } from "../words/grammar.ts";

/** `mptcp schema` */
export const COMMANDS: readonly Command[] = [
  command({
    summary:
      "Print the JSON Schema (draft-07) of the configuration file, for editors",
    operands: {},
    async run() {
      const { configSchema } = await import("../../config/mod.ts");
      const json = configSchema();
      return { text: `${JSON.stringify(json, null, 2)}\n`, json };
    },
  }),
];
