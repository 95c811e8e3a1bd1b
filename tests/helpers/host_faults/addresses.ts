import type { Lab } from "../../../testing/lab.ts";
import { waitFor } from "../../../testing/lab.ts";
import { addEndpoint, addSecond, connect, renewSecond } from "../uplinks.ts";
import type { HostFault, Signs } from "./scene.ts";
import { CAPABLE } from "./settings.ts";

/** What is seen where the kernel cannot bind the socket of a join. */
const NOT_BOUND: Signs = {
  ...CAPABLE,
  client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTxBindErr",
};

/** The same where it cannot connect it. */
export const NOT_CONNECTED: Signs = {
  ...CAPABLE,
  client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTxConnectErr",
};

/** An address of the second path that the lab does not use. */
const OTHER = { 4: "10.77.2.9", 6: "fd77:2::9" } as const;

const ipv6 = (signs: Signs) => ({
  ...signs,
  sockets: "fd77:1::1 Mmec",
});

/** Adds an IPv6 address that the kernel first has to find unique. */
function addWithDad({ client }: Lab, probes: number): void {
  const conf = "net.ipv6.conf.client2";
  client.sysctl(`${conf}.accept_dad`, 1);
  client.sysctl(`${conf}.dad_transmits`, probes);
  // Else it waits up to a second before it begins.
  client.sysctl(`${conf}.router_solicitation_delay`, 0);
  client.ip("address", "add", `${OTHER[6]}/64`, "dev", "client2");
}

/** Faults of the addresses and devices that endpoints name. */
export const ADDRESSES: readonly HostFault[] = [
  {
    name: "address that is not on the host",
    check: "endpoint-address",
    where: "client",
    make(lab) {
      addEndpoint(lab.client, OTHER[4], "dev", "client2", "subflow");
      return connect(lab);
    },
    signs: NOT_BOUND,
    mended: "this connection",
  },
  {
    name: "tentative IPv6 address",
    check: "endpoint-address",
    where: "client",
    make(lab) {
      addWithDad(lab, 1000);
      addEndpoint(lab.client, OTHER[6], "dev", "client2", "subflow");
      return connect(lab, { family: 6 });
    },
    signs: ipv6(NOT_BOUND),
    mended: "this connection",
    reconnect: (lab) => connect(lab, { family: 6 }),
  },
  {
    name: "IPv6 address that another host has",
    check: "endpoint-address",
    where: "client",
    make(lab) {
      const { client, server } = lab;
      server.ip(
        ...["address", "add", `${OTHER[6]}/64`, "dev", "server2", "nodad"],
      );
      addWithDad(lab, 1);
      waitFor(
        () => client.ip("address", "show", "dadfailed").includes(OTHER[6]),
        "the address to be found in use",
      );
      addEndpoint(client, OTHER[6], "dev", "client2", "subflow");
      return connect(lab, { family: 6 });
    },
    signs: ipv6(NOT_BOUND),
    mended: "this connection",
    reconnect: (lab) => connect(lab, { family: 6 }),
  },
  {
    name: "address on another device than the endpoint's",
    check: "endpoint-address",
    where: "client",
    make(lab) {
      const { client } = lab;
      addEndpoint(client, client.address(2), "dev", "client1", "subflow");
      return connect(lab);
    },
    signs: {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      server: `${CAPABLE.server} MPJoinSynRx`,
      sockets: "10.77.1.1 Mmec, client1 SYN-SENT",
    },
    mended: "this connection",
  },
  {
    name: "device that is down",
    check: "endpoint-device",
    where: "client",
    make(lab) {
      lab.client.ip("link", "set", "client2", "down");
      addSecond(lab);
      return connect(lab);
    },
    signs: NOT_CONNECTED,
    mended: "this connection",
    // It comes back without its routes.
    furtherFaults: 1,
  },
  {
    name: "device that is gone",
    check: "endpoint-device",
    where: "client",
    make(lab) {
      addSecond(lab);
      lab.client.ip("link", "delete", "client2");
      return connect(lab);
    },
    signs: NOT_BOUND,
    mended: "nothing",
  },
  {
    name: "device that was made again",
    check: "endpoint-device",
    where: "client",
    make(lab) {
      addSecond(lab);
      lab.client.ip("link", "delete", "client2");
      renewSecond(lab);
      return connect(lab);
    },
    signs: NOT_CONNECTED,
    mended: "this connection",
  },
  {
    name: "no carrier",
    check: "endpoint-device",
    where: "client",
    make(lab) {
      lab.cut(2);
      addSecond(lab);
      return connect(lab);
    },
    signs: {
      ...CAPABLE,
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      sockets: "10.77.1.1 Mmec, client2 SYN-SENT",
    },
    mended: "this connection",
    repair: (lab) => lab.restore(2),
  },
];
