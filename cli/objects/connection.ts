import type { Connection } from "../../diag/mod.ts";
import { NotFoundError } from "../../mod.ts";
import { type Command, command } from "../words/grammar.ts";
import { connectionFilter, filterOf } from "../words/operands.ts";
import {
  connectionJson,
  details,
  tokenText,
  tree,
} from "./connection_output.ts";

/** `mptcp connection …` */
export const COMMANDS: readonly Command[] = [
  command({
    word: "show",
    summary: "List connections with their subflows",
    operands: connectionFilter,
    async run(context, values) {
      const diag = await context.diag();
      const { screen } = context;
      const { token } = values;
      const found: Connection[] = [...diag.connections(filterOf(values))];
      if (token !== undefined && diag.connection(token) === undefined) {
        throw new NotFoundError(
          "connection",
          `There is no connection of token ${tokenText(token)}`,
        );
      }
      const render = token === undefined ? tree : details;
      return {
        text: found.map((one) => render(one, screen)).join(""),
        isPainted: true,
        json: found.map(connectionJson),
      };
    },
  }),
];
