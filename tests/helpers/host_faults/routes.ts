import { type Lab, waitFor } from "../../../testing/lab.ts";
import {
  addEndpoint,
  addSecond,
  addSecondBySource,
  connect,
} from "../uplinks.ts";
import { addMiddlebox, removeMiddlebox } from "../middlebox.ts";
import { NOT_CONNECTED } from "./addresses.ts";
import type { HostFault, Signs } from "./scene.ts";
import { CAPABLE, JOINED } from "./settings.ts";

/** What is seen of a join that is not answered. */
const UNANSWERED: Signs = {
  client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
  server: CAPABLE.server,
  sockets: "10.77.1.1 Mmec, client2 SYN-SENT",
};

function deleteRoute({ client }: Lab, family: "-4" | "-6"): void {
  client.ip(family, "route", "delete", "default", "dev", "client2");
}

function changeRouter({ client }: Lab, address: string): void {
  client.ip(
    ...["route", "change", "default", "via", address, "dev", "client2"],
    ...["metric", "200"],
  );
}

/** Faults of the ways that packets take. */
export const ROUTES: readonly HostFault[] = [
  {
    name: "no route from the second device",
    check: "route",
    where: "client",
    make(lab) {
      deleteRoute(lab, "-4");
      addSecond(lab);
      return connect(lab);
    },
    signs: UNANSWERED,
    mended: "this connection",
  },
  {
    name: "no IPv6 route from the second device",
    check: "route",
    where: "client",
    make(lab) {
      deleteRoute(lab, "-6");
      addSecond(lab, 6);
      return connect(lab, { family: 6 });
    },
    signs: { ...NOT_CONNECTED, sockets: "fd77:1::1 Mmec" },
    mended: "this connection",
    reconnect: (lab) => connect(lab, { family: 6 }),
  },
  {
    name: "router that does not answer",
    check: "route",
    where: "client",
    make(lab) {
      changeRouter(lab, "10.77.2.77");
      addSecond(lab);
      return connect(lab);
    },
    signs: UNANSWERED,
    mended: "this connection",
    repair: (lab) => changeRouter(lab, lab.server.address(2)),
  },
  {
    name: "second address that leaves by the first device",
    check: "route",
    where: "client",
    make(lab) {
      addEndpoint(lab.client, lab.client.address(2), "subflow");
      return connect(lab);
    },
    signs: { ...JOINED, sockets: "10.77.1.1 Mmec, 10.77.2.1 Jjec" },
    mended: "this connection",
  },
  {
    name: "second IPv6 address that leaves by the first device",
    check: "route",
    where: "client",
    make(lab) {
      addEndpoint(lab.client, lab.client.address6(2), "subflow");
      return connect(lab, { family: 6 });
    },
    signs: { ...JOINED, sockets: "fd77:1::1 Mmec, fd77:2::1 Jjec" },
    mended: "this connection",
    reconnect: (lab) => connect(lab, { family: 6 }),
  },
  {
    name: "strict rp_filter on the client",
    check: "rp-filter",
    where: "client",
    make(lab) {
      lab.client.sysctl("net.ipv4.conf.client2.rp_filter", 1);
      addSecond(lab);
      return connect(lab);
    },
    signs: { ...UNANSWERED, server: `${CAPABLE.server} MPJoinSynRx` },
    mended: "this connection",
  },
  {
    name: "strict rp_filter on the server",
    check: "rp-filter",
    where: "server",
    make(lab) {
      const { client, server } = lab;
      const address = "10.66.0.1";
      client.ip("address", "add", `${address}/32`, "dev", "client2");
      // Else the server drops what it is asked by ARP, too.
      client.sysctl("net.ipv4.conf.client2.arp_announce", 2);
      // What comes over the second path is answered over the first.
      server.ip("route", "add", address, "via", client.address(1));
      server.sysctl("net.ipv4.conf.server2.rp_filter", 1);
      addSecondBySource(lab, address);
      return connect(lab);
    },
    signs: { ...UNANSWERED, sockets: "10.66.0.1 SYN-SENT, 10.77.1.1 Mmec" },
    mended: "the next connection",
  },
  {
    name: "two devices in the same subnet",
    check: "same-subnet",
    where: "client",
    make(lab) {
      const { client, server } = lab;
      // Both end in one switch, behind which is the server.
      server.ip("link", "add", "switch", "type", "bridge");
      server.ip("address", "flush", "dev", "server1");
      server.ip("address", "flush", "dev", "server2");
      for (const dev of ["server1", "server2"]) {
        server.ip("link", "set", dev, "master", "switch");
      }
      server.ip("address", "add", `${server.address(1)}/24`, "dev", "switch");
      server.ip("link", "set", "switch", "up");
      client.ip("address", "flush", "dev", "client2");
      client.ip("address", "add", "10.77.1.9/24", "dev", "client2");
      client.ip(
        ...["route", "add", "default", "via", server.address(1)],
        ...["dev", "client2", "metric", "200"],
      );
      addEndpoint(client, "10.77.1.9", "subflow");
      return connect(lab);
    },
    signs: { ...JOINED, sockets: "10.77.1.1 Mmec, 10.77.1.9 Jjec" },
    mended: "this connection",
  },
  {
    name: "path that is cut under load",
    check: "subflow",
    where: "client",
    make(lab) {
      addSecond(lab);
      const connection = connect(lab);
      waitFor(() => lab.client.subflows().length === 2, "the second subflow");
      connection.transfer(1_000_000);
      addMiddlebox(lab.server, { toServer: "iifname server2 drop" });
      for (
        const end = performance.now() + 60_000;
        lab.client.counter("MPTcpExtSubflowStale") === 0 &&
        performance.now() < end;
      ) connection.transfer(1_000_000);
      return connection;
    },
    signs: {
      ...JOINED,
      client: `${JOINED.client} MPTCPRetrans SubflowStale`,
      sockets: "10.77.1.1 Mmec, client2 Jjec backoff",
    },
    mended: "this connection",
    repair: ({ server }) => removeMiddlebox(server),
  },
];
