import {
  aboutEndpoint,
  endpointText,
  isAdded,
  isInitiator,
  isKnown,
  opens,
  outward,
  part,
  usesOtherPathManager,
} from "../facts.ts";
import { readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether the flags of endpoints fit to what this host does. */
export function endpointFlags(snapshot: Snapshot): Observation[] {
  const endpoints = part(snapshot, "endpoints");
  const found = usesOtherPathManager(snapshot)
    ? []
    : endpoints.filter(isAdded).filter(isKnown)
      .flatMap((endpoint) => look(endpoint, snapshot));
  return found.length > 0 ? found : [
    ok("The flags of the endpoints make sense", ...endpoints.map(endpointText)),
  ];
}

function look(endpoint: Endpoint, snapshot: Snapshot): Observation[] {
  const { address, flags } = endpoint;
  const isAnnounced = flags.includes("signal");
  const say = (
    status: "problem" | "warning",
    summary: string,
    flag: "subflow" | "signal",
  ) => [{
    status,
    summary,
    evidence: [endpointText(endpoint)],
    remedies: readd(endpoint, {
      flags: [
        ...flags.filter((one) =>
          one !== "signal" && one !== "subflow" && one !== "fullmesh"
        ),
        flag,
      ],
    }),
    about: aboutEndpoint(endpoint),
  }];
  if (!opens(endpoint) && !isAnnounced && !flags.includes("laminar")) {
    return say(
      "problem",
      `The endpoint ${address} has neither subflow nor signal: nothing is ` +
        "done with it",
      "subflow",
    );
  }
  const connections = outward(snapshot);
  const isClient = connections.some(isInitiator);
  const isServer = connections.some((one) => !isInitiator(one));
  if (!opens(endpoint) && isAnnounced && isClient && !isServer) {
    // What listens may be the server that it is for, with no connection now.
    const mayServe = (snapshot.listeners ?? []).length > 0;
    return say(
      mayServe ? "warning" : "problem",
      `The endpoint ${address} is only announced (signal), but it is this ` +
        "host that opens the subflows",
      "subflow",
    );
  }
  if (opens(endpoint) && !isAnnounced && isServer && !isClient) {
    return say(
      "warning",
      `The endpoint ${address} opens subflows to the clients of this host, ` +
        "where no program listens: it should only be announced (signal)",
      "signal",
    );
  }
  return [];
}
