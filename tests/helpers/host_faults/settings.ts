import { PathManager } from "../../../mod.ts";
import {
  addEndpoint,
  addSecond,
  addUplink,
  connect,
  connectIdle,
  setLimits,
} from "../uplinks.ts";
import type { HostFault, Signs } from "./scene.ts";

/** What the counters of both ends show of a connection that is MPTCP. */
export const CAPABLE: Signs = {
  client: "MPCapableSYNACKRX MPCapableSYNTX",
  server: "MPCapableACKRX MPCapableSYNRX",
  sockets: "10.77.1.1 Mmec",
};

/** What they show of two subflows. */
export const JOINED: Signs = {
  client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynAckRx MPJoinSynTx",
  server: "MPCapableACKRX MPCapableSYNRX MPJoinAckRx MPJoinSynRx",
  sockets: "10.77.1.1 Mmec, client2 Jjec",
};

/** An address that no host of the lab has. */
const ELSEWHERE = "10.88.0.1";

/** What they show of a join that the server refuses. */
const REFUSED: Signs = {
  client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynAckRx MPJoinSynTx MPRstTx",
  server: "MPCapableACKRX MPCapableSYNRX MPJoinRejected MPJoinSynRx",
  sockets: CAPABLE.sockets,
};

/** A server that takes no further subflow. */
const limitOfServer = (where: "client" | "server"): HostFault => ({
  name: `limit of subflows 0 on the server, seen by the ${where}`,
  check: "limits",
  where,
  make(lab) {
    setLimits(lab.server, 0, 0);
    addSecond(lab);
    return connect(lab);
  },
  signs: REFUSED,
  mended: "the next connection",
});

/** Faults of the settings of MPTCP, and of the programs that use it. */
export const SETTINGS: readonly HostFault[] = [
  {
    name: "MPTCP switched off",
    check: "enabled",
    where: "client",
    make(lab) {
      addSecond(lab);
      lab.client.sysctl("net.mptcp.enabled", 0);
      // There can be no other.
      return connect(lab, { tcpClient: true });
    },
    signs: { client: "", server: "", sockets: "10.77.1.1 TCP" },
    mended: "the next connection",
  },
  {
    name: "limit of subflows 0 on the client",
    check: "limits",
    where: "client",
    make(lab) {
      setLimits(lab.client, 0, 0);
      addSecond(lab);
      return connect(lab);
    },
    signs: CAPABLE,
    mended: "this connection",
  },
  limitOfServer("server"),
  limitOfServer("client"),
  {
    name: "limit below the number of endpoints",
    check: "limits",
    where: "client",
    paths: 3,
    make(lab) {
      setLimits(lab.client, 1, 0);
      for (const path of [2, 3]) addUplink(lab, path, 4);
      return connect(lab);
    },
    signs: JOINED,
    mended: "this connection",
  },
  {
    name: "limit of the server below what the client wants",
    check: "limits",
    where: "server",
    paths: 3,
    make(lab) {
      setLimits(lab.server, 1, 0);
      for (const path of [2, 3]) addUplink(lab, path, 4);
      return connect(lab);
    },
    signs: {
      client: REFUSED.client,
      server: "MPCapableACKRX MPCapableSYNRX MPJoinAckRx MPJoinRejected " +
        "MPJoinSynRx",
      sockets: JOINED.sockets,
    },
    mended: "the next connection",
  },
  {
    name: "no address of the server is accepted",
    check: "limits",
    where: "client",
    make(lab) {
      setLimits(lab.client, 2, 0);
      addEndpoint(lab.server, lab.server.address(2), "signal");
      return connect(lab);
    },
    signs: {
      client: "AddAddr EchoAddTx MPCapableSYNACKRX MPCapableSYNTX",
      server: "AddAddrTx EchoAdd MPCapableACKRX MPCapableSYNRX",
      sockets: CAPABLE.sockets,
    },
    mended: "the next connection",
  },
  {
    name: "announced address that the server does not have",
    check: "join",
    where: "client",
    make(lab) {
      const { client, server } = lab;
      setLimits(client, 2, 2);
      const way = ["via", server.address(2), "dev", client.dev(2)];
      client.ip("route", "add", ELSEWHERE, ...way);
      addEndpoint(server, ELSEWHERE, "signal");
      return connect(lab);
    },
    signs: {
      client: "AddAddr EchoAddTx MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      server: "AddAddrTx EchoAdd MPCapableACKRX MPCapableSYNRX",
      sockets: "10.77.1.1 Mmec, 10.77.2.1 SYN-SENT",
    },
    repair: ({ server }) =>
      void server.ip("address", "add", `${ELSEWHERE}/32`, "dev", "lo"),
    mended: "the next connection",
  },
  {
    name: "no endpoint",
    check: "endpoints",
    where: "client",
    make: (lab) => connect(lab),
    signs: CAPABLE,
    mended: "this connection",
  },
  {
    name: "no endpoint for an IPv6 connection",
    check: "endpoints",
    where: "client",
    make: (lab) => connect(lab, { family: 6 }),
    signs: { ...CAPABLE, sockets: "fd77:1::1 Mmec" },
    mended: "this connection",
  },
  {
    name: "IPv6 endpoint for an IPv4 connection",
    check: "endpoints",
    where: "client",
    make(lab) {
      addSecond(lab, 6);
      return connect(lab);
    },
    signs: CAPABLE,
    mended: "this connection",
  },
  {
    name: "IPv4 endpoint for an IPv6 connection",
    check: "endpoints",
    where: "client",
    make(lab) {
      addSecond(lab);
      return connect(lab, { family: 6 });
    },
    signs: { ...CAPABLE, sockets: "fd77:1::1 Mmec" },
    mended: "this connection",
  },
  {
    name: "endpoint without flags",
    check: "endpoint-flags",
    where: "client",
    make(lab) {
      addEndpoint(lab.client, lab.client.address(2), "dev", "client2");
      return connect(lab);
    },
    signs: CAPABLE,
    mended: "this connection",
  },
  {
    name: "only signal on the client",
    check: "endpoint-flags",
    where: "client",
    make(lab) {
      const { client } = lab;
      addEndpoint(client, client.address(2), "dev", "client2", "signal");
      return connect(lab);
    },
    signs: {
      client: "AddAddrTx EchoAdd MPCapableSYNACKRX MPCapableSYNTX",
      server: "AddAddr EchoAddTx MPCapableACKRX MPCapableSYNRX",
      sockets: CAPABLE.sockets,
    },
    mended: "this connection",
  },
  {
    name: "only backup",
    check: "endpoint-flags",
    where: "client",
    make(lab) {
      const { client } = lab;
      addEndpoint(client, client.address(2), "dev", "client2", "backup");
      return connect(lab);
    },
    signs: CAPABLE,
    mended: "this connection",
  },
  {
    name: "subflow on the server",
    check: "endpoint-flags",
    where: "server",
    make(lab) {
      const { client, server } = lab;
      setLimits(client, 2, 2);
      const connection = connect(lab);
      addEndpoint(server, server.address(2), "dev", "server2", "subflow");
      return connection;
    },
    signs: {
      client: CAPABLE.client,
      server: `${CAPABLE.server} MPJoinSynTx`,
      sockets: CAPABLE.sockets,
    },
    mended: "this connection",
  },
  {
    name: "userspace mode without a listener",
    check: "path-manager",
    where: "client",
    make(lab) {
      addSecond(lab);
      setMode(lab.client.netns, "userspace");
      return connect(lab);
    },
    signs: CAPABLE,
    mended: "the next connection",
  },
  {
    name: "mode changed after the connection began",
    check: "path-manager",
    where: "client",
    make(lab) {
      addSecond(lab);
      setMode(lab.client.netns, "userspace");
      const connection = connect(lab);
      setMode(lab.client.netns, "kernel");
      return connection;
    },
    signs: CAPABLE,
    mended: "the next connection",
  },
  {
    name: "application with plain TCP",
    check: "application",
    where: "client",
    make(lab) {
      addSecond(lab);
      return connect(lab, { tcpClient: true });
    },
    signs: { client: "", server: "", sockets: "10.77.1.1 TCP" },
    mended: "the next connection",
  },
  {
    name: "connection without data",
    check: "idle",
    where: "client",
    make(lab) {
      addSecond(lab);
      return connectIdle(lab);
    },
    signs: { ...CAPABLE, sockets: "10.77.1.1 Mmc" },
    mended: "this connection",
    repair: (_, connection) => connection.transfer(10_000),
  },
];

function setMode(netns: string, mode: "kernel" | "userspace"): void {
  using pm = PathManager.open({ netns });
  pm.setMode(mode);
}
