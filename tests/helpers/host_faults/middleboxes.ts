import { Lab, LabConnection, waitFor } from "../../../testing/lab.ts";
import { MptcpSocket } from "../../../testing/mptcp_socket.ts";
import { listen } from "../listen.ts";
import {
  addMiddlebox,
  ANY_OPTION,
  CHANGE_DATA,
  type Middlebox,
  MP_JOIN,
  NO_SYN,
  removeMiddlebox,
  STRIP,
  SYN,
  SYN_ACK,
} from "../middlebox.ts";
import { addSecond, connect, SERVER } from "../uplinks.ts";
import type { HostFault, Signs } from "./scene.ts";
import { CAPABLE } from "./settings.ts";

const behind = (
  name: string,
  check: string,
  box: Middlebox,
  signs: Signs,
): HostFault => ({
  name,
  check,
  where: "client",
  make(lab) {
    addMiddlebox(lab.server, box);
    addSecond(lab);
    return connect(lab);
  },
  signs,
  mended: "the next connection",
  repair: ({ server }) => removeMiddlebox(server),
});

/** Faults of the way between the hosts, and of the server. */
export const MIDDLEBOXES: readonly HostFault[] = [
  {
    name: "server with plain TCP",
    check: "fallback",
    where: "client",
    make(lab) {
      addSecond(lab);
      return connect(lab, { tcpServer: true });
    },
    signs: {
      client: "MPCapableFallbackSYNACK MPCapableSYNTX",
      server: "",
      sockets: "10.77.1.1 mc",
    },
    mended: "the next connection",
  },
  behind(
    "MP_CAPABLE stripped from the SYN",
    "fallback",
    { toServer: `${SYN} ${STRIP}` },
    {
      client: "MPCapableFallbackSYNACK MPCapableSYNTX",
      server: "",
      sockets: "10.77.1.1 mc",
    },
  ),
  behind(
    "MP_CAPABLE stripped from the SYN-ACK",
    "fallback",
    { toClient: `${SYN_ACK} ${STRIP}` },
    {
      client: "MPCapableFallbackSYNACK MPCapableSYNTX",
      server: "MPCapableFallbackACK MPCapableSYNRX",
      sockets: "10.77.1.1 mc",
    },
  ),
  behind(
    "MPTCP stripped from the third ACK on",
    "fallback",
    { toServer: `${NO_SYN} ${STRIP}` },
    {
      client: "MPCapableDataFallback MPCapableSYNACKRX MPCapableSYNTX",
      server: "MPCapableFallbackACK MPCapableSYNRX",
      sockets: "10.77.1.1 mc",
    },
  ),
  behind(
    "MPTCP stripped from the data",
    "fallback",
    { toServer: `${NO_SYN} meta length > 100 ${STRIP}` },
    {
      client: "MPCapableDataFallback MPCapableSYNACKRX MPCapableSYNTX",
      server: "DssFallback MPCapableACKRX MPCapableSYNRX",
      sockets: "10.77.1.1 mc",
    },
  ),
  {
    ...behind(
      "MPTCP stripped from the data, seen by the server",
      "fallback",
      { toServer: `${NO_SYN} meta length > 100 ${STRIP}` },
      {
        client: "MPCapableDataFallback MPCapableSYNACKRX MPCapableSYNTX",
        server: "DssFallback MPCapableACKRX MPCapableSYNRX",
        sockets: "10.77.1.1 mc",
      },
    ),
    where: "server",
  },
  {
    name: "data changed on the way",
    check: "fallback",
    where: "server",
    make(lab) {
      for (const host of [lab.client, lab.server]) {
        host.sysctl("net.mptcp.checksum_enabled", 1);
      }
      addMiddlebox(lab.server, { toServer: CHANGE_DATA });
      addSecond(lab);
      return connect(lab);
    },
    signs: {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynAckRx MPJoinSynTx " +
        "MPRstTx MPTCPRetrans",
      server: "DataCsumErr DssFallback MPCapableACKRX MPCapableSYNRX " +
        "MPJoinSynRx",
      sockets: "10.77.1.1 Mmec",
    },
    mended: "the next connection",
    repair: ({ server }) => removeMiddlebox(server),
  },
  {
    name: "SYN with MPTCP dropped",
    check: "blackhole",
    where: "client",
    make(lab) {
      addSecond(lab);
      addMiddlebox(lab.server, { toServer: `${SYN} ${ANY_OPTION} drop` });
      return connect(hurry(lab));
    },
    signs: {
      client: "Blackhole MPCapableSYNTX MPCapableSYNTXDrop",
      server: "",
      sockets: "10.77.1.1 c",
    },
    mended: "the next connection",
    repair: ({ server }) => removeMiddlebox(server),
  },
  {
    name: "MPTCP not tried after dropped SYNs",
    check: "blackhole",
    where: "client",
    make(lab) {
      addSecond(lab);
      addMiddlebox(lab.server, { toServer: `${SYN} ${ANY_OPTION} drop` });
      connect(hurry(lab)).close();
      removeMiddlebox(lab.server);
      return connect(lab);
    },
    signs: {
      client:
        "Blackhole MPCapableSYNTX MPCapableSYNTXDisabled MPCapableSYNTXDrop",
      server: "",
      sockets: "10.77.1.1 c",
    },
    mended: "the next connection",
  },
  behind(
    "SYN with MP_JOIN dropped",
    "join",
    { toServer: `${SYN} ${MP_JOIN} drop` },
    {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      server: CAPABLE.server,
      sockets: `10.77.1.1 Mmec, client2 SYN-SENT`,
    },
  ),
  behind(
    "SYN with MP_JOIN reset",
    "join",
    { toServer: `${SYN} ${MP_JOIN} reject with tcp reset` },
    {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      server: CAPABLE.server,
      sockets: CAPABLE.sockets,
    },
  ),
  behind(
    "MP_JOIN stripped",
    "join",
    { toServer: `${SYN} ${MP_JOIN} ${STRIP}` },
    {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx MPRstTx",
      server: CAPABLE.server,
      sockets: CAPABLE.sockets,
    },
  ),
  {
    name: "server that does not listen any more",
    check: "join",
    where: "client",
    make(lab, stack) {
      const { client, server } = lab;
      addSecond(lab);
      using listener = listen(server);
      const sockets = stack.use(new DisposableStack());
      const near = sockets.use(MptcpSocket.connect(
        client.netns,
        client.address(1),
        { address: SERVER[4], port: listener.local.port },
        1000,
      ));
      const far = sockets.use(listener.accept(1000));
      listener.close();
      const connection = new LabConnection(near, far, sockets);
      connection.transfer(10_000);
      return connection;
    },
    signs: {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      server: CAPABLE.server,
      sockets: CAPABLE.sockets,
    },
    mended: "the next connection",
  },
  {
    name: "MP_JOIN lands on another host",
    check: "join",
    where: "client",
    make(lab, stack) {
      const { server, client } = lab;
      // Another server, with the same program: their tokens are not the same.
      const other = stack.use(Lab.open({ paths: 0 })).server;
      const address = "10.88.0.2";
      server.ip(
        ...["link", "add", "balanced", "type", "veth"],
        ...["peer", "name", "balanced", "netns", other.netns],
      );
      for (
        const [host, own] of [[server, "10.88.0.1"], [other, address]] as const
      ) {
        host.ip("address", "add", `${own}/24`, "dev", "balanced");
        host.ip("link", "set", "balanced", "up");
      }
      other.ip("route", "add", "default", "via", "10.88.0.1");
      const port = 8080;
      stack.use(MptcpSocket.listen(other.netns, { address, port }));
      server.sysctl("net.ipv4.ip_forward", 1);
      addMiddlebox(server, {
        dnat: `ip saddr ${client.address(2)} ip daddr ${SERVER[4]} ` +
          `dnat ip to ${address}`,
      });
      addSecond(lab);
      const connection = connect(lab, { port });
      waitFor(
        () => other.counter("MPTcpExtMPJoinNoTokenFound") > 0,
        "a join of a connection that the other server does not have",
      );
      return connection;
    },
    signs: {
      client: "MPCapableSYNACKRX MPCapableSYNTX MPJoinSynTx",
      server: CAPABLE.server,
      sockets: CAPABLE.sockets,
    },
    mended: "the next connection",
    repair: ({ server }) => removeMiddlebox(server),
  },
];

/** Lets a connection try MPTCP once, and then TCP after 1 s instead of 3 s. */
function hurry(lab: Lab): Lab {
  lab.client.sysctl("net.mptcp.syn_retrans_before_tcp_fallback", 0);
  return lab;
}
