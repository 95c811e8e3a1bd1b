/**
 * A host with two uplinks, as a state to plan from.
 *
 * @module
 */

import type { PresentState } from "../../config/state.ts";
import type { InterfaceAddress, Link } from "../../diag/mod.ts";
import type { Endpoint, EndpointFlag } from "../../mod.ts";

const DEVICES = ["lo", "eth0", "eth1", "wlan0"];

function link(dev: string, index: number): Link {
  return {
    ifIndex: index + 1,
    dev,
    usable: dev !== "lo",
    flags: dev === "lo" ? ["loopback"] : ["up", "running"],
    state: "up",
  };
}

/** An address of the host: `"10.0.0.1 eth0"`, with words for what it is. */
export function hostAddress(text: string): InterfaceAddress {
  const [address, dev, ...words] = text.split(" ");
  const has = (word: string) => words.includes(word);
  return {
    address: address!,
    prefixLength: 24,
    ifIndex: DEVICES.indexOf(dev!) + 1,
    dev: dev!,
    scope: has("link") ? "link" : has("host") ? "host" : "global",
    tentative: has("tentative"),
    failed: has("failed"),
    deprecated: has("deprecated"),
    temporary: has("temporary"),
    flags: [],
  };
}

/** An endpoint: `"7 10.0.0.1#80 subflow,backup eth0"`; `-` is no flag. */
export function endpoint(text: string): Endpoint {
  const [id, end, flags, dev] = text.split(" ");
  const [address, port = 0] = end!.split("#");
  const gone = /^if(\d+)$/.exec(dev ?? "")?.[1];
  return {
    address: address!,
    port: Number(port),
    id: Number(id),
    flags: flags === "-" ? [] : flags!.split(",") as EndpointFlag[],
    ifIndex: gone ? Number(gone) : DEVICES.indexOf(dev ?? "") + 1,
    ...dev !== undefined && !gone && { dev },
  };
}

/** What there is, as Linux 6.18 has it after the start, but for this. */
export function presentState(
  { endpoints = [], ...others }:
    & { readonly endpoints?: readonly string[] }
    & Partial<Omit<PresentState, "endpoints">> = {},
): PresentState {
  return {
    kernel: "6.18.44",
    capacity: 8,
    settings: {
      available_path_managers: "kernel userspace",
      available_schedulers: "default",
      enabled: "1",
      path_manager: "kernel",
      pm_type: "0",
      scheduler: "default",
      stale_loss_cnt: "4",
    },
    limits: { subflows: 2, addAddrAccepted: 0 },
    endpoints: endpoints.map(endpoint),
    carried: [],
    dependents: [],
    connections: 0,
    peers: [],
    links: DEVICES.map(link),
    addresses: ["10.0.0.1 eth0", "10.0.1.1 eth1", "fd00::1 eth0"]
      .map(hostAddress),
    listeners: [],
    managers: { found: [], seesAll: true },
    unknown: {},
    ...others,
  };
}
