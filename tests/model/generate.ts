/**
 * Random steps: requests right and wrong, and what happens to connections.
 *
 * @module
 */

import { NLA_F_NESTED, NLA_TYPE_MASK } from "../../codec/attrs.ts";
import { type OpName, OPS } from "../../codec/mptcp_pm.gen.ts";
import { u16, u32, u8 } from "../helpers/netlink_bytes.ts";
import { pick, type Random } from "../helpers/random.ts";
import { SILENT_PORT } from "./network.ts";
import {
  EARLY,
  HERE,
  IN_KERNEL,
  MANAGED,
  mapped,
  PEER,
} from "./connections.ts";
import {
  addressAttrs,
  type Attr,
  type End,
  hex,
  type Request,
} from "./request.ts";

/** What is done to both kernels. */
export type Step =
  /** A request, perhaps without `CAP_NET_ADMIN`. */
  | { readonly request: Request; readonly unprivileged?: true }
  /** Ends a connection and makes a new one of its kind. */
  | { readonly reconnect: number }
  /** The first data of a connection is acknowledged. */
  | { readonly establish: number }
  /** The kernel makes an endpoint by itself, the only one. */
  | { readonly implicit: string };

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_ECHO = 8;
const NLM_F_DUMP = 0x300;

const SIGNAL = 1;

/** Addresses of this host, of nobody, and of everybody. */
const ADDRESSES = [
  ...[...HERE, ...HERE, mapped(HERE[0]!), mapped(HERE[1]!)],
  ...["192.0.2.7", "2001:db8::7", "0.0.0.0", "::", "127.0.0.1"],
];
/**
 * Beginnings of values that are wrong, but not anything: an address of nobody,
 * a device that is not there.
 */
const NOWHERE = new Map([
  [3, [192, 0, 2, 7]],
  [4, [192, 0, 2, 7]],
  [7, [231, 3, 0, 0]],
]);
/** Numbers of devices: loopback, those of the paths, none. */
const DEVICES = [1, 11, 12, 0, 999, 0xffffffff];

const id = (value: number): Attr => ({ type: 2, value: hex(u8(value)) });
const port = (value: number): Attr => ({ type: 5, value: hex(u16(value)) });
const flags = (value: number): Attr => ({ type: 6, value: hex(u32(value)) });
const ifIdx = (value: number): Attr => ({ type: 7, value: hex(u32(value)) });
const tokenOf = (connection: number): Attr => ({
  type: 4,
  value: { tokenOf: connection },
});

type Parts = readonly (Attr | End | readonly Attr[] | undefined | false)[];

function nest(type: number, parts: Parts): Attr {
  const attrs = parts.flatMap((part) => part || []);
  return { type: type | NLA_F_NESTED, value: { attrs } };
}

const addr = (...parts: Parts) => nest(1, parts);
const addrRemote = (...parts: Parts) => nest(6, parts);

/** What can be asked for, and how often it is. */
const WEIGHTS: Readonly<Record<OpName, number>> = {
  "add-addr": 16,
  "del-addr": 5,
  "get-addr": 8,
  "flush-addrs": 1,
  "set-limits": 5,
  "get-limits": 2,
  "set-flags": 14,
  "announce": 9,
  "remove": 7,
  "subflow-create": 14,
  "subflow-destroy": 9,
};
const OPS_BY_WEIGHT = Object.entries(WEIGHTS).flatMap(([op, weight]) =>
  new Array<OpName>(weight).fill(op as OpName)
);

/** Makes steps of random numbers. */
export class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  step(): Step {
    if (this.#oneIn(60)) return { reconnect: this.#random(IN_KERNEL) };
    if (this.#oneIn(150)) return { implicit: HERE[1]! };
    if (this.#oneIn(100)) return { establish: EARLY };
    const request = this.#request();
    return this.#oneIn(40) ? { request, unprivileged: true } : { request };
  }

  #oneIn(n: number): boolean {
    return this.#random(n) === 0;
  }

  #pick<T>(from: readonly T[]): T {
    return pick(this.#random, from);
  }

  /** Something, once in n times. */
  #maybe<T>(n: number, make: () => T): T | undefined {
    return this.#oneIn(n) ? make() : undefined;
  }

  #request(): Request {
    const op = this.#pick(OPS_BY_WEIGHT);
    const request = {
      flags: NLM_F_REQUEST | NLM_F_ACK,
      cmd: OPS[op].cmd,
      version: 1,
      attrs: this.#attrs(op),
    };
    if (op === "get-addr" && this.#oneIn(2)) {
      request.flags = NLM_F_REQUEST | NLM_F_DUMP;
    }
    if (this.#oneIn(4)) request.attrs = this.#spoil(request.attrs);
    return this.#oneIn(15) ? this.#spoilHeader(request) : request;
  }

  #attrs(op: OpName): Attr[] {
    // The peer's answer to other commands may establish a connection.
    const connection = op === "subflow-create" && this.#oneIn(10)
      ? EARLY
      : this.#oneIn(12)
      ? IN_KERNEL
      : this.#random(MANAGED);
    const token = tokenOf(connection);
    switch (op) {
      case "add-addr":
        return [this.#endpoint()];
      case "del-addr":
        return [
          addr(
            !this.#oneIn(6) && this.#id(),
            this.#maybe(4, () => addressAttrs(this.#pick(ADDRESSES))),
          ),
        ];
      case "get-addr":
        return [
          addr(
            this.#id(),
            this.#maybe(6, () => addressAttrs(this.#pick(ADDRESSES))),
          ),
          ...this.#oneIn(3) ? [token] : [],
        ];
      case "flush-addrs":
      case "get-limits":
        return this.#oneIn(3) ? [addr(this.#id())] : [];
      case "set-limits": {
        const limit = () => hex(u32(this.#pick([0, 1, 2, 5, 8, 9, 2 ** 31])));
        return [2, 3].filter(() => !this.#oneIn(4))
          .map((type) => ({ type, value: limit() }));
      }
      case "set-flags":
        return this.#oneIn(2) ? [this.#endpointToChange()] : [
          addr(
            this.#end(connection, "local"),
            this.#maybe(4, () => port(0)),
            !this.#oneIn(4) && flags(this.#random(64)),
          ),
          token,
          addrRemote(
            this.#end(connection, "remote"),
            this.#maybe(4, () => port(0)),
          ),
        ];
      case "announce":
        return [
          addr(
            addressAttrs(this.#pick(ADDRESSES)),
            !this.#oneIn(10) && this.#id(),
            flags(this.#random(64) | (this.#oneIn(6) ? 0 : SIGNAL)),
            this.#maybe(4, () => port(this.#pick([0, 7777, 443]))),
            this.#maybe(4, () => ifIdx(this.#pick(DEVICES))),
          ),
          token,
        ];
      case "remove":
        return [token, { type: 5, value: hex(u8(this.#idNumber())) }];
      case "subflow-create":
        return this.#subflow(connection);
      case "subflow-destroy":
        return [
          addr(
            this.#end(connection, "local"),
            this.#maybe(8, () => port(this.#pick([0, 1]))),
          ),
          token,
          addrRemote(
            this.#end(connection, "remote"),
            this.#maybe(8, () => port(this.#pick([0, 1]))),
          ),
        ];
    }
  }

  /** Few, so that they meet again. */
  #idNumber(): number {
    return this.#oneIn(3)
      ? this.#pick([0, 100, 254, 255])
      : 1 + this.#random(8);
  }

  #id(): Attr {
    return id(this.#idNumber());
  }

  #endpoint(): Attr {
    const hasPort = this.#oneIn(4);
    return addr(
      addressAttrs(this.#pick(ADDRESSES)),
      this.#maybe(2, () => this.#id()),
      hasPort && !this.#oneIn(6)
        ? flags(SIGNAL | this.#pick([0, 0, 4, 2, 32]))
        : this.#maybe(2, () => flags(this.#pick([1, 2, 4, 8, 10, 32]))) ??
          flags(this.#random(this.#oneIn(4) ? 256 : 16)),
      hasPort && port(10100 + this.#random(3)),
      this.#maybe(4, () => ifIdx(this.#pick(DEVICES))),
    );
  }

  #endpointToChange(): Attr {
    return addr(
      this.#maybe(2, () => this.#id()) ??
        addressAttrs(this.#pick(ADDRESSES)),
      this.#maybe(6, () => this.#id()),
      this.#maybe(4, () => port(10100 + this.#random(3))),
      !this.#oneIn(5) && flags(this.#pick([0, 4, 8, 12, this.#random(256)])),
    );
  }

  #subflow(connection: number): Attr[] {
    const isIPv6 = !this.#oneIn(3);
    const ofFamily = (addresses: readonly string[]) =>
      addresses.filter((one) => one.includes(":") === isIPv6);
    const nowhere = ["192.0.2.7", "2001:db8::7", mapped(HERE[1]!)];
    const local = addr(
      addressAttrs(this.#pick(this.#oneIn(8) ? nowhere : ofFamily(HERE))),
      !this.#oneIn(6) && this.#id(),
      this.#maybe(3, () => flags(this.#pick([0, 1, 2, 4, 8, 38]))),
      this.#maybe(4, () => ({ type: 5, value: { port: "fresh" } })),
      this.#maybe(8, () => ifIdx(this.#pick([0, 999, 0xffffffff]))),
    );
    const peers = this.#oneIn(6) ? [...PEER, mapped(PEER[0]!)] : ofFamily(PEER);
    const peerPort: Attr = { type: 5, value: { peerPortOf: connection } };
    return [
      this.#oneIn(10)
        ? addr(this.#end(connection, "local"), this.#id())
        : local,
      tokenOf(connection),
      addrRemote(
        addressAttrs(this.#pick(peers)),
        this.#oneIn(5)
          ? this.#maybe(2, () => port(this.#pick([1, SILENT_PORT])))
          : peerPort,
      ),
    ];
  }

  #end(connection: number, end: "local" | "remote"): End {
    return {
      end,
      subflow: this.#random(4),
      of: this.#oneIn(10) ? this.#random(MANAGED) : connection,
      ...this.#oneIn(8) && { form: this.#pick(["mapped", "IPv4"]) },
    };
  }

  /** Changes an attribute or two, at the top or in a nest. */
  #spoil(attrs: readonly Attr[]): Attr[] {
    const spoilt = [...attrs];
    const at = this.#random(spoilt.length + 1);
    const attr = spoilt[at];
    if (attr === undefined) {
      spoilt.push(this.#anyAttr());
    } else if ("attrs" in attr.value && !this.#oneIn(3)) {
      const { attrs } = attr.value;
      const inner = attrs.filter((one): one is Attr => !("end" in one));
      const ends = attrs.filter((one) => "end" in one);
      const value = { attrs: [...ends, ...this.#spoil(inner)] };
      spoilt[at] = { ...attr, value };
    } else spoilt.splice(at, 1, ...this.#spoilt(attr));
    return this.#oneIn(4) ? this.#spoil(spoilt) : spoilt;
  }

  #anyAttr(): Attr {
    const type = this.#pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 99, 0x3fff]);
    return {
      type: type | this.#pick([0, 0, NLA_F_NESTED]),
      value: hex(this.#bytes(type, this.#random(18))),
    };
  }

  #bytes(type: number, length: number): Uint8Array {
    const start = NOWHERE.get(type);
    return Uint8Array.from(
      { length },
      (_, index) =>
        start ? start[index] ?? 0 : this.#random(this.#pick([2, 256])),
    );
  }

  #spoilt(attr: Attr): Attr[] {
    const { type, value } = attr;
    const other = (length: number): Attr => ({
      type,
      value: hex(this.#bytes(type & NLA_TYPE_MASK, length)),
    });
    switch (this.#random(9)) {
      case 0:
        return [];
      case 1:
        return [attr, other(this.#random(6))];
      case 2:
        return [other(this.#random(4))];
      case 3: {
        if (!("hex" in value)) return [other(4 + this.#random(14))];
        const more = hex(this.#bytes(0, 1 + this.#random(14)));
        return [{ type, value: { hex: value.hex + more.hex } }];
      }
      case 4:
        return [{ ...attr, type: type ^ NLA_F_NESTED }];
      case 5:
        return [{ ...attr, type: type ^ 0x4000 }];
      case 6:
        return [this.#anyAttr()];
      case 7: {
        const length = this.#pick([0, 1, 3, 4, 5, 6, 7, 9, 20, 100, 0xffff]);
        return [{ ...attr, length }];
      }
      default:
        return [this.#anyAttr(), attr];
    }
  }

  #spoilHeader(request: Request): Request {
    const { flags } = request;
    switch (this.#random(9)) {
      case 0:
        return { ...request, flags: flags & ~NLM_F_ACK };
      case 1:
        return { ...request, flags: flags & ~NLM_F_REQUEST };
      case 2:
        return { ...request, flags: flags | NLM_F_ECHO | 0x400 };
      case 3:
        return { ...request, flags: flags ^ this.#pick([0x100, 0x200, 0x300]) };
      case 4:
        return { ...request, cmd: this.#pick([0, 12, 13, 200]) };
      case 5:
        return {
          ...request,
          version: this.#pick([0, 99]),
          reserved: this.#pick([0, 1]),
        };
      case 6:
        return { ...request, type: this.#pick([0, 1, 2, 3, 15, 0xfff0]) };
      case 7:
        return { ...request, length: this.#pick([0, 15, 0xffff]) };
      default:
        return { ...request, trailing: 1 + this.#random(4) };
    }
  }
}
