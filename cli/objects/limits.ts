import type { Limits } from "../../mod.ts";
import {
  type Command,
  command,
  integer,
  option,
  type Output,
  UsageError,
} from "../words/grammar.ts";
import { silent } from "../output.ts";

/** `mptcp limits …` */
export const LIMITS: readonly Command[] = [
  command({
    words: ["limits", "set"],
    summary: "Set one limit or both",
    operands: {
      subflows: option(
        "subflows",
        "N",
        "subflows of a connection besides its initial one",
        integer(0, 0xffffffff),
      ),
      addAddrAccepted: option(
        "add_addr_accepted",
        "N",
        "announced addresses that a connection accepts",
        integer(0, 0xffffffff),
      ),
    },
    run(pm, values) {
      if (Object.keys(values).length === 0) {
        throw new UsageError(
          "One of subflows N and add_addr_accepted N is needed",
        );
      }
      pm.setLimits(values);
      return silent(limits(pm.getLimits()));
    },
  }),
  command({
    words: ["limits", "show"],
    summary: "Show the limits",
    operands: {},
    run: (pm) => limits(pm.getLimits()),
  }),
];

/** Both limits, as `ip mptcp` writes them, to the trailing space. */
function limits({ addAddrAccepted, subflows }: Limits): Output {
  return {
    text: `add_addr_accepted ${addAddrAccepted} subflows ${subflows} \n`,
    json: { add_addr_accepted: addAddrAccepted, subflows },
  };
}
