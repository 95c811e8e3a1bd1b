import type { Limits } from "../../mod.ts";
import {
  type Command,
  command,
  integer,
  option,
  UsageError,
} from "../words/grammar.ts";
import { jsonOnly, type Output } from "../output.ts";

/** `mptcp limits …` */
export const COMMANDS: readonly Command[] = [
  command({
    word: "set",
    summary: "Set one limit or both",
    operands: {
      subflows: option(
        "subflows",
        "N",
        "subflows of a connection besides its initial one",
        integer,
      ),
      addAddrAccepted: option(
        "add_addr_accepted",
        "N",
        "announced addresses that a connection accepts",
        integer,
      ),
    },
    run(context, values) {
      if (Object.keys(values).length === 0) {
        throw new UsageError(
          "One of subflows N and add_addr_accepted N is needed",
        );
      }
      const pm = context.pm();
      pm.setLimits(values);
      return jsonOnly(limits(pm.getLimits()));
    },
  }),
  command({
    word: "show",
    summary: "Show the limits",
    operands: {},
    run: (context) => limits(context.pm().getLimits()),
  }),
];

/** Both limits, as `ip mptcp` writes them, to the trailing space. */
export function limits({ addAddrAccepted, subflows }: Limits): Output {
  return {
    text: `add_addr_accepted ${addAddrAccepted} subflows ${subflows} \n`,
    json: { add_addr_accepted: addAddrAccepted, subflows },
  };
}
