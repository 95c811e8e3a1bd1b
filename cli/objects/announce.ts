import { address, type Command, command, required } from "../words/grammar.ts";
import { dev, id, port, theToken } from "../words/operands.ts";
import { echo } from "../output.ts";

/** `mptcp announce …` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Announce an address to the peer of one connection",
    operands: {
      address: required(address("IPv4 or IPv6 address of this host")),
      token: theToken,
      id: required(id),
      dev,
      port,
    },
    run(context, values) {
      context.pm().announce(values);
      return echo(values);
    },
  }),
];
