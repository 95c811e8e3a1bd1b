import {
  aboutEndpoint,
  endpointText,
  isAdded,
  linkOf,
  part,
  plain,
  usesOtherPathManager,
} from "../facts.ts";
import { command, deletion, readd } from "../remedy.ts";
import { type Observation, ok } from "../finding.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether packets pass the devices of the endpoints. */
export function endpointDevice(snapshot: Snapshot): Observation[] {
  part(snapshot, "links");
  const endpoints = part(snapshot, "endpoints");
  const found = usesOtherPathManager(snapshot) ? [] : endpoints.filter(isAdded)
    .flatMap((endpoint) => look(endpoint, snapshot));
  return found.length > 0
    ? found
    : [ok("The devices of the endpoints are up", ...devices(snapshot))];
}

function devices({ links = [] }: Snapshot): string[] {
  return links.filter(({ flags }) => !flags.includes("loopback"))
    .map(({ dev, usable }) => `${dev} ${usable ? "up" : "not up"}`);
}

function look(endpoint: Endpoint, snapshot: Snapshot): Observation[] {
  const { address, ifIndex } = endpoint;
  const own = (snapshot.addresses ?? []).find((one) =>
    one.address === plain(address)
  );
  const index = ifIndex === 0 ? own?.ifIndex : ifIndex;
  if (index === undefined) return [];
  // It may be on its way.
  const { earlier } = snapshot;
  const wasUsable = earlier?.links?.some((one) =>
    one.ifIndex === index && one.usable
  );
  const say = (summary: string, evidence: string, ...remedies: string[]) => [{
    status: wasUsable ? "warning" as const : "problem" as const,
    summary,
    evidence: [endpointText(endpoint), evidence],
    remedies,
    about: aboutEndpoint(endpoint),
  }];
  const link = linkOf({ ifIndex: index }, snapshot);
  if (link === undefined) {
    return say(
      `The device of the endpoint ${address} is gone: no device has the ` +
        `index ${index}`,
      own?.dev === undefined
        ? `${address} is not on this host`
        : `${address} is on ${own.dev}, which has index ${own.ifIndex}`,
      ...own?.dev === undefined
        ? [deletion(endpoint)]
        : readd(endpoint, { dev: own.dev }),
    );
  }
  const { dev, flags, usable, carrier, state } = link;
  if (usable || flags.includes("loopback")) return [];
  if (!flags.includes("up")) {
    return say(
      `${dev}, the device of the endpoint ${address}, is down`,
      `${dev}: not up`,
      command("ip", "link", "set", "dev", dev, "up"),
      ...readd(endpoint, { dev }),
    );
  }
  return say(
    `${dev}, the device of the endpoint ${address}, ` +
      (carrier === false
        ? "has no carrier: look at the cable and the other end"
        : "cannot carry packets yet"),
    `${dev}: up, ${carrier === false ? "no carrier" : `state ${state}`}`,
    command("ip", "link", "show", "dev", dev),
    ...readd(endpoint, { dev }).map((one) => `${one}  # once it is back`),
  );
}
