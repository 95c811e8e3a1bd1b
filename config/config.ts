/**
 * What a configuration file says, as values: checked, and nothing of the host.
 *
 * @module
 */

import type { EndpointFlag } from "../ops/flags.ts";

/** What is wanted of a host; what is absent is left as it is. */
export interface Config {
  /** The limits of the in-kernel path manager. */
  readonly limits?: {
    readonly subflows?: number;
    readonly addAddrAccepted?: number;
  };
  /** Sysctls of `net.mptcp` by the kernel's names, as text for the kernel. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The endpoints; an empty list: none are wanted. */
  readonly endpoints?: readonly WantedEndpoint[];
  /**
   * The endpoints that the file may remove or change. Absent: all, but what other
   * programs manage only with `takeover`.
   */
  readonly governs?: Governs;
}

/** All endpoints, or those whose ids are in these ranges, ends included. */
export type Governs =
  | "all"
  | readonly (readonly [from: number, to: number])[];

/** One endpoint, or one of each address of this host that fits. */
export type WantedEndpoint = ExactEndpoint | MatchedEndpoints;

/** What both kinds of wanted endpoints have. */
export interface Wanted {
  /** Flags, each once. */
  readonly flags: readonly EndpointFlag[];
  /** Where it is in the file: its place in the list, from 0. */
  readonly place: number;
}

/** An endpoint with this address. */
export interface ExactEndpoint extends Wanted {
  /** IPv4 or IPv6 address, in its canonical text. */
  readonly address: string;
  /** 1 to 65535. */
  readonly port?: number;
  /** 1 to 255; absent: the kernel chooses. */
  readonly id?: number;
  /** Network device that its subflows are bound to. */
  readonly dev?: string;
}

/** An endpoint of every address of this host that fits. */
export interface MatchedEndpoints extends Wanted {
  /** What an address has to be. */
  readonly match: Match;
  /** Whether to take one address of each device and family, or all. */
  readonly each: "device" | "address";
}

/** What fits: all that is given has to hold. */
export interface Match {
  /** Globs of device names with `*` and `?`, one of which has to fit. */
  readonly dev?: readonly string[];
  /** IPv4 or IPv6. */
  readonly family?: 4 | 6;
  /** Scope of the address. @default {global, and any within `not`} */
  readonly scope?: "global" | "site" | "link" | "host";
  /** Prefixes as `192.0.2.0/24`, one of which has to contain the address. */
  readonly address?: readonly string[];
  /**
   * States that are taken, too: addresses in one of them do not fit else. Within
   * `not` one of these is what does not fit.
   */
  readonly states?: readonly AddressState[];
  /** What does not fit, if any of these fits. */
  readonly not?: readonly Match[];
}

/** A state of an address in which it is not taken unless asked for. */
export type AddressState = "tentative" | "failed" | "deprecated" | "temporary";
