import {
  aboutEndpoint,
  deviceText,
  endpointText,
  isAdded,
  isIPv6,
  isSameNetwork,
  linkOf,
  opens,
  part,
  plain,
  usesOtherPathManager,
} from "../facts.ts";
import { command, deletion, readd } from "../remedy.ts";
import { type Observation, ok, type Status } from "../finding.ts";
import { isLinkLocal, parseAddress } from "../../codec/inet.ts";
import { isOfNoHost, needsDevice, ofNoHost } from "../../ops/advice.ts";
import type { InterfaceAddress } from "../../diag/addresses.ts";
import type { Endpoint } from "../../ops/endpoint.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether the addresses of the endpoints can be used on this host. */
export function endpointAddress(snapshot: Snapshot): Observation[] {
  part(snapshot, "addresses");
  const endpoints = part(snapshot, "endpoints");
  const found = usesOtherPathManager(snapshot) ? [] : endpoints.filter(isAdded)
    .flatMap((endpoint) => look(endpoint, snapshot));
  return found.length > 0
    ? found
    : [ok("The addresses of the endpoints are on this host")];
}

function look(endpoint: Endpoint, snapshot: Snapshot): Observation[] {
  const { address, ifIndex } = endpoint;
  const { addresses = [], earlier } = snapshot;
  const isOwn = (one: InterfaceAddress) => one.address === plain(address);
  const all = addresses.filter(isOwn);
  const isPath = opens(endpoint) || endpoint.flags.includes("laminar");
  const say = (
    status: Status,
    summary: string,
    evidence: string,
    ...remedies: string[]
  ) => [{
    status,
    summary,
    evidence: [endpointText(endpoint), evidence],
    remedies,
    about: aboutEndpoint(endpoint),
  }];
  const parsed = parseAddress(address);
  if (isOfNoHost(parsed.bytes)) {
    return say(
      "warning",
      ofNoHost(address, isPath),
      `flags: ${endpoint.flags.join(" ")}`,
      deletion(endpoint),
    );
  }
  if (all.length === 0) {
    const hasJustGone = earlier?.addresses?.some(isOwn) ?? false;
    return say(
      isPath && !hasJustGone ? "problem" : "warning",
      `${address} is not on this host: ` +
        (isPath
          ? "no subflow can start from it"
          : "peers reach it only if a router in front of this host forwards it"),
      `addresses: ${addresses.map(({ address }) => address).join(", ")}`,
      ...isPath
        ? missing(endpoint, snapshot)
        : [`${deletion(endpoint)}  # unless one does`],
    );
  }
  if (isPath && ifIndex === 0 && isLinkLocal(parsed.text)) {
    const devices = all.map(deviceText);
    return say(
      "problem",
      needsDevice(address),
      `${address} on ${devices.join(", ")}`,
      ...readd(endpoint, { dev: devices[0]! }),
    );
  }
  const own = all.find((one) => ifIndex === 0 || one.ifIndex === ifIndex);
  if (own !== undefined) return state(own, endpoint, snapshot, say);
  if (all.some((one) => isAnywhere(one, snapshot))) return [];
  const [other] = all as [InterfaceAddress];
  const { dev } = other;
  return say(
    isPath ? "problem" : "warning",
    `${address} is on ${deviceText(other)}, but its endpoint is bound to ` +
      `${deviceText(endpoint)}: answers come to the other device`,
    `${address} on ${deviceText(other)}`,
    ...readd(endpoint, dev === undefined ? {} : { dev }),
  );
}

/** An address of a device that leads nowhere is reached by any other. */
function isAnywhere(address: InterfaceAddress, snapshot: Snapshot): boolean {
  const { flags = [] } = linkOf(address, snapshot) ?? {};
  return flags.some((flag) => flag === "loopback" || flag === "noarp");
}

function state(
  own: InterfaceAddress,
  endpoint: Endpoint,
  snapshot: Snapshot,
  say: (
    status: Status,
    summary: string,
    evidence: string,
    ...remedies: string[]
  ) => Observation[],
): Observation[] {
  const { address, prefixLength, tentative, failed, deprecated } = own;
  const [full, dev] = [`${address}/${prefixLength}`, deviceText(own)];
  const removal = command("ip", "address", "delete", full, "dev", dev);
  if (failed) {
    return say(
      "problem",
      `Another host on ${dev} has ${address}, too: it cannot be used`,
      `${address} on ${dev}: dadfailed`,
      removal,
      ...replaced(endpoint, own, snapshot),
    );
  }
  const before = snapshot.earlier?.addresses?.find((one) =>
    one.address === address && one.ifIndex === own.ifIndex
  );
  if (tentative && before?.tentative !== false) {
    return say(
      before === undefined ? "warning" : "problem",
      `${address} is not ready yet: the kernel still asks whether another ` +
        "host has it (tentative)",
      `${address} on ${dev}: tentative`,
      removal,
      command("ip", "address", "add", full, "dev", dev, "nodad"),
      ...readd(endpoint),
    );
  }
  if (deprecated) {
    return say(
      "warning",
      `${address} is deprecated: new subflows should start from another address`,
      `${address} on ${dev}: deprecated`,
    );
  }
  return [];
}

/** Another address of the device instead, or one that the user has. */
function replaced(
  endpoint: Endpoint,
  own: InterfaceAddress,
  { addresses = [], endpoints = [] }: Snapshot,
): string[] {
  const { address, prefixLength, ifIndex } = own;
  const other = addresses.find((one) =>
    one.ifIndex === ifIndex && one.scope === "global" && !one.tentative &&
    isIPv6(one.address) === isIPv6(address) &&
    !endpoints.some(({ address }) => plain(address) === one.address)
  );
  if (other !== undefined) {
    return readd(endpoint, { address: other.address });
  }
  const dev = deviceText(own);
  return [
    command(
      ...["ip", "address", "add", `ADDRESS/${prefixLength}`, "dev", dev],
      "nodad",
    ) + "  # ADDRESS: one that no other host has",
    ...readd(endpoint, { address: "ADDRESS" }),
  ];
}

/** To add the address where its network is, else to give the endpoint up. */
function missing(endpoint: Endpoint, { addresses = [] }: Snapshot): string[] {
  const { address, dev, ifIndex } = endpoint;
  const near = addresses.find((one) =>
    isSameNetwork(one.address, address, one.prefixLength)
  );
  const device = dev ?? (ifIndex === 0 ? near?.dev : undefined);
  if (device === undefined) return [deletion(endpoint)];
  const isInNetwork = near !== undefined && near.dev === device;
  const length = isInNetwork ? near.prefixLength : isIPv6(address) ? 64 : 24;
  return [
    command(
      ...["ip", "address", "add", `${plain(address)}/${length}`, "dev", device],
      ...isIPv6(address) ? ["nodad"] : [],
    ),
    ...readd(endpoint),
  ];
}
