import type { AddrFlag, Endpoint } from "../../mod.ts";
import {
  address,
  type Command,
  command,
  required,
  UsageError,
  words,
} from "../words/grammar.ts";
import {
  BACKUP,
  dev,
  FULLMESH,
  id,
  idOrInitial,
  NOBACKUP,
  offering,
  port,
  switched,
  token,
} from "../words/operands.ts";
import { deviceName, jsonOnly, type Output } from "../output.ts";

const FLAGS: readonly (readonly [AddrFlag, string])[] = [
  ["signal", "announce the address to the peer"],
  ["subflow", "open a subflow from the address"],
  BACKUP,
  FULLMESH,
  ["laminar", "connect to an announced address, once each (Linux 6.18)"],
];

const NOFULLMESH = [
  "nofullmesh",
  "connect to one address of the peer",
] as const;

const CHANGES = [BACKUP, NOBACKUP, FULLMESH, NOFULLMESH] as const;

const ANEW = "to change that, delete the endpoint and add it again";

/** `mptcp endpoint …` */
export const COMMANDS: readonly Command[] = [
  command({
    word: "add",
    summary: "Add an address for the path manager to use",
    operands: {
      address: required(address("IPv4 or IPv6 address of this host")),
      dev,
      id,
      port,
      flags: words(
        "FLAG…",
        "what to do with the address",
        [...FLAGS, NOBACKUP, NOFULLMESH],
      ),
    },
    run(context, { flags = [], ...others }) {
      switched("backup", flags);
      switched("fullmesh", flags);
      const set = flags.filter((flag): flag is AddrFlag =>
        !flag.startsWith("no")
      );
      return jsonOnly(
        endpoints([context.pm().addAddr({ ...others, flags: set })]),
      );
    },
  }),
  command({
    word: "delete",
    summary: "Delete endpoints by id, by address or by device",
    form: "(id N [ADDR] | ADDR [port N] | dev IF)",
    operands: {
      id: offering(idOrInitial, "@id"),
      address: offering(
        address("address; needed with id 0, checked with others"),
        "@address",
      ),
      port,
      dev,
    },
    run(context, values) {
      if (Object.keys(values).every((name) => name === "port")) {
        throw new UsageError("One of id N, ADDR and dev IF is needed");
      }
      const { id, address, ...others } = values;
      if (id !== 0) return jsonOnly(endpoints(context.pm().delAddr(values)));
      if (address === undefined || others.dev !== undefined) {
        throw new UsageError(
          "Unknown address: id 0 is the address of each connection's initial " +
            "subflow, which is given by address and port",
        );
      }
      context.pm().closeInitialSubflows({ address, ...others });
      return jsonOnly(endpoints([]));
    },
  }),
  command({
    word: "change",
    summary: "Change flags of an endpoint; the other flag stays",
    form: "(id N | ADDR [port N]) CHANGE…",
    operands: {
      id: offering(id, "@id"),
      address: offering(
        address("address of the endpoint, instead of its id"),
        "@address",
      ),
      port,
      changes: required(words("CHANGE…", "the new flags", CHANGES)),
    },
    hints: { signal: ANEW, subflow: ANEW, laminar: ANEW, dev: ANEW },
    run(context, { changes, ...selector }) {
      if (selector.id === undefined && selector.address === undefined) {
        throw new UsageError("One of id N and ADDR is needed");
      }
      const change = {
        ...selector,
        ...switched("backup", changes),
        ...switched("fullmesh", changes),
      };
      return jsonOnly(endpoints([context.pm().setFlags(change)]));
    },
  }),
  command({
    word: "show",
    summary: "List the endpoints, or the addresses of one connection",
    operands: {
      id: offering(idOrInitial, "@id"),
      token,
      address: offering(address("only those with this address"), "@address"),
      port,
      dev,
    },
    run(context, { id, ...options }) {
      const pm = context.pm();
      const { token, ...filters } = options;
      if (id !== undefined && Object.keys(filters).length === 0) {
        return endpoints([
          pm.getAddr({ id, ...token !== undefined && { token } }),
        ]);
      }
      const fitting = pm.dumpAddrs(options)
        .filter((one) => id === undefined || one.id === id);
      if (fitting.length === 0 && Object.keys(filters).length > 0) {
        context.hint("no endpoint has all that");
      }
      return endpoints(fitting);
    },
  }),
  command({
    word: "flush",
    summary: "Delete all endpoints",
    operands: {},
    run(context) {
      const pm = context.pm();
      const all = pm.dumpAddrs();
      pm.flushAddrs();
      return jsonOnly(endpoints(all));
    },
  }),
];

/**
 * Endpoints, one on a line: text as `ip mptcp` writes it, to the trailing
 * space, and the keys of `ip -j mptcp`.
 */
export function endpoints(list: readonly Endpoint[]): Output {
  return {
    text: list.map((endpoint) => `${endpointText(endpoint)}\n`).join(""),
    json: list.map(endpointJson),
  };
}

function endpointText(endpoint: Endpoint): string {
  const { address, port, id, flags } = endpoint;
  const device = deviceName(endpoint);
  return [
    address,
    port === 0 ? "" : `port ${port}`,
    `id ${id}`,
    ...flags.map((flag) =>
      flag.startsWith("0x") ? `rawflags ${rawFlags(flag)}` : flag
    ),
    device === undefined ? "" : `dev ${device}`,
  ].filter((part) => part !== "").map((part) => `${part} `).join("");
}

function endpointJson(endpoint: Endpoint) {
  const { address, port, id, flags } = endpoint;
  const device = deviceName(endpoint);
  return {
    address,
    ...port !== 0 && { port },
    id,
    ...Object.fromEntries(
      flags.map((flag) =>
        flag.startsWith("0x") ? ["rawflags", rawFlags(flag)] : [flag, true]
      ),
    ),
    ...device !== undefined && { dev: device },
  };
}

function rawFlags(flag: string): string {
  return flag.slice(2).padStart(2, "0");
}
