import { NotFoundError } from "../../mod.ts";
import { type Command, command } from "../words/grammar.ts";
import { connectionFilter, filterOf, interval } from "../words/operands.ts";
import {
  connectionText,
  details,
  tokenText,
  tree,
} from "./connection_output.ts";

/** `mptcp connection …` */
export const COMMANDS: readonly Command[] = [
  command({
    word: "show",
    summary: "List connections with their subflows",
    operands: { ...connectionFilter, interval },
    options: ["watch"],
    async *run(context, { watch, interval, ...values }) {
      if (watch || interval !== undefined) {
        const { watchConnections } = await import("./top.ts");
        yield* watchConnections(context, filterOf(values), interval);
        return;
      }
      const diag = await context.diag();
      const { screen } = context;
      const { token } = values;
      if (token !== undefined && diag.connection(token) === undefined) {
        throw new NotFoundError(
          "connection",
          `There is no connection of token ${tokenText(token)}`,
        );
      }
      const render = token === undefined ? tree : details;
      const connections = diag.connections(filterOf(values));
      yield {
        texts: connections.map((one) => render(one, screen)),
        isPainted: true,
        jsons: connections.map(connectionText),
      };
    },
  }),
];
