import { address, type Command, command, required } from "../words/grammar.ts";
import { dev, id, port, theToken } from "../words/operands.ts";
import { request } from "../output.ts";

/** `mptcp announce …` */
export const ANNOUNCE: readonly Command[] = [
  command({
    words: ["announce"],
    summary: "Announce an address to the peer of one connection",
    operands: {
      address: required(address("IPv4 or IPv6 address of this host")),
      token: theToken,
      id: required(id),
      dev,
      port,
    },
    run(pm, values) {
      pm.announce(values);
      return request(values);
    },
  }),
];
