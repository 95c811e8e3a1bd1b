/**
 * What decodes links, addresses, routes, rules, neighbours and chains.
 *
 * @module
 */

import {
  DecodeError,
  type MessagePolicy,
  nftables,
  parseAddress,
  rtnetlink,
} from "../../codec/mod.ts";
import { decodeAddress } from "../../diag/addresses.ts";
import { decodeChain } from "../../diag/firewall.ts";
import { decodeLink } from "../../diag/links.ts";
import { decodeNeighbour } from "../../diag/neighbours.ts";
import { decodeRoute } from "../../diag/routes.ts";
import { decodeRule } from "../../diag/rules.ts";
import { NFTABLES, RTNETLINK } from "../helpers/golden.ts";
import { split, typeOf } from "../helpers/netlink_bytes.ts";
import { pick } from "../helpers/random.ts";
import { decodeApart } from "./codec_targets.ts";
import { concat, growAttrs, mutateAttrs } from "./mutate.ts";
import { Fault, orFault, readAttrs } from "./reference.ts";
import {
  demand,
  demandBounded,
  kindOf,
  type Target,
  type Targets,
} from "./target.ts";

const messages = [...RTNETLINK, ...NFTABLES].flatMap(({ datagrams }) =>
  datagrams
)
  .flatMap((hex) => split(Uint8Array.fromHex(hex)));

/** What each property of a decoded value is. */
const SHAPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...Object.fromEntries(
    ["address", "peer", "gateway", "source"].map((key) => [key, isAddress]),
  ),
  ...Object.fromEntries(["from", "to"].map((key) => [key, isPrefix])),
  ...Object.fromEntries(
    [
      ...["ifIndex", "mtu", "prefixLength", "table", "metric", "priority"],
      ...["fwmark", "fwmask", "goto", "unknownFlags", "unknownState"],
      "rules",
    ].map((key) => [key, Number.isInteger]),
  ),
};

function isAddress(value: unknown): boolean {
  return parseAddress(String(value)).text === value;
}

function isPrefix(value: unknown): boolean {
  const [address, length] = String(value).split("/");
  return isAddress(address) && /^\d+$/.test(length!);
}

/** A decoder of messages of one type, whose header has some length. */
function target(
  { type, header, set }: Pick<MessagePolicy, "type" | "header" | "set">,
  decode: (bytes: Uint8Array) => object | undefined,
): Target {
  const payloads = messages.filter((message) => typeOf(message) === type)
    .map((message) => message.slice(16));
  const attrs = payloads.map((payload) => payload.slice(header.length));
  return {
    make(random) {
      const payload = pick(random, payloads);
      const fixed = payload.slice(0, header.length);
      if (random(4) === 0) fixed[random(fixed.length)] = random(256);
      const own = random(4)
        ? payload.slice(header.length)
        : growAttrs(random, set);
      const bytes = concat([
        fixed,
        random(4) ? mutateAttrs(random, own, attrs) : own,
      ]);
      return random(16) ? bytes : bytes.slice(0, random(bytes.length));
    },
    run(input) {
      const value = decodeApart(input, decode);
      if (value instanceof DecodeError) {
        demandBounded(input, value.message);
        // Other than what cannot be read at all, an address may have a width.
        const read = input.length < header.length
          ? new Fault(0)
          : orFault(() => readAttrs(set, input, header.length));
        const isOwn = /an address (has|without)/.test(value.message);
        demand(isOwn || read instanceof Fault, value.message);
        return kindOf(value);
      }
      demandBounded(input, value);
      if (value === undefined) return "left out";
      for (const [key, one] of Object.entries(value)) {
        demand(one !== undefined, `${key} is undefined`);
        demand(SHAPES[key]?.(one) ?? true, () => `${key} is ${one}`);
      }
      return "decoded";
    },
  };
}

const { newlink, newaddr, newroute, newrule, newneigh } = rtnetlink.MESSAGES;

/** What decodes the answers of rtnetlink and nftables. */
export const NETWORK_TARGETS: Targets = {
  decodeLink: target(newlink, decodeLink),
  decodeAddress: target(newaddr, decodeAddress),
  decodeRoute: target(newroute, decodeRoute),
  decodeRule: target(newrule, decodeRule),
  decodeNeighbour: target(newneigh, decodeNeighbour),
  decodeChain: target(nftables.MESSAGES.newchain, decodeChain),
};
