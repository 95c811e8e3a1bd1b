import type { Connection } from "../../diag/mod.ts";
import { NotFoundError } from "../../mod.ts";
import { type Command, command } from "../words/grammar.ts";
import { connectionFilter, filterOf, interval } from "../words/operands.ts";
import {
  details,
  tokenText,
  tree,
  withTokenText,
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
      let connections: IteratorObject<Connection, void> = diag.connections(
        filterOf(values),
      );
      if (token !== undefined) {
        const found = [...connections];
        // It may be there, and not meet the rest.
        if (found.length === 0 && diag.connection(token) === undefined) {
          throw new NotFoundError(
            "connection",
            `There is no connection of token 0x${tokenText(token)}`,
          );
        }
        connections = found.values() as IteratorObject<Connection, void>;
      }
      const render = token === undefined ? tree : details;
      yield {
        texts: connections.map((one) => render(one, screen)),
        isPainted: true,
        jsons: connections.map(withTokenText),
      };
    },
  }),
];
