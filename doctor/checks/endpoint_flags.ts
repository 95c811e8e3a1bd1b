import {
  aboutEndpoint,
  endpointText,
  isInitiator,
  isUserspaceMode,
  opens,
  part,
} from "../facts.ts";
import { readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether the flags of endpoints fit to what this host does. */
export function endpointFlags(snapshot: Snapshot): Observation[] {
  const endpoints = part(snapshot, "endpoints");
  const found = isUserspaceMode(snapshot)
    ? []
    : endpoints.flatMap((endpoint) => look(endpoint, snapshot));
  return found.length > 0 ? found : [
    ok("The flags of the endpoints make sense", ...endpoints.map(endpointText)),
  ];
}

function look(endpoint: Endpoint, snapshot: Snapshot): Observation[] {
  const { address, flags } = endpoint;
  const has = (flag: string) => flags.some((one) => one === flag);
  if (has("implicit")) return [];
  const connections = snapshot.connections ?? [];
  const isClient = connections.some(isInitiator);
  const isServer = connections.some((one) => !isInitiator(one)) ||
    (snapshot.listeners ?? []).length > 0;
  const say = (
    status: "problem" | "warning",
    summary: string,
    flag: string,
  ) => [{
    status,
    summary,
    evidence: [endpointText(endpoint)],
    remedies: readd(endpoint, {
      flags: [
        ...flags.filter((one) => one !== "signal" && one !== "subflow"),
        flag as "subflow",
      ],
    }),
    about: aboutEndpoint(endpoint),
  }];
  if (!opens(endpoint) && !has("signal") && !has("laminar")) {
    return say(
      "problem",
      `The endpoint ${address} has neither subflow nor signal: no subflow is ` +
        "made with it",
      "subflow",
    );
  }
  if (!opens(endpoint) && has("signal") && isClient && !isServer) {
    return say(
      "problem",
      `The endpoint ${address} is only announced (signal), but it is this ` +
        "host that opens the subflows",
      "subflow",
    );
  }
  if (opens(endpoint) && !has("signal") && isServer && !isClient) {
    return say(
      "warning",
      `The endpoint ${address} opens subflows, but the connections here were ` +
        "opened by peers, where no program listens",
      "signal",
    );
  }
  return [];
}
