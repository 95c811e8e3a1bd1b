import { PathManager } from "../../../mod.ts";
import type { Host } from "../../../testing/host.ts";
import { waitFor } from "../../../testing/lab.ts";
import { MptcpSocket } from "../../../testing/mptcp_socket.ts";
import {
  addEndpoint,
  addSecond,
  addSecondBySource,
  addUplink,
  connect,
  setLimits,
} from "../uplinks.ts";
import type { HostState } from "./scene.ts";
import { CAPABLE, JOINED } from "./settings.ts";

/** Hosts on which nothing is wrong. */
export const HEALTHY: readonly HostState[] = [
  {
    name: "one path",
    where: "client",
    paths: 1,
    make: (lab) => connect(lab),
    signs: CAPABLE,
  },
  {
    name: "two paths",
    where: "client",
    make(lab) {
      addSecond(lab);
      return connect(lab);
    },
    signs: JOINED,
  },
  {
    name: "two paths by source",
    where: "client",
    make(lab) {
      lab.client.sysctl("net.ipv4.conf.all.rp_filter", 1);
      addSecondBySource(lab);
      return connect(lab);
    },
    signs: { ...JOINED, sockets: "10.77.1.1 Mmec, 10.77.2.1 Jjec" },
  },
  {
    name: "dual stack",
    where: "client",
    make(lab) {
      addSecond(lab);
      addSecond(lab, 6);
      connect(lab, { family: 6 });
      return connect(lab);
    },
    signs: {
      ...JOINED,
      sockets: "10.77.1.1 Mmec, client2 Jjec, client2 Jjec, fd77:1::1 Mmec",
    },
  },
  {
    name: "spare path",
    where: "client",
    make(lab) {
      const { client } = lab;
      addEndpoint(client, client.address(1), "dev", "client1", "subflow");
      addEndpoint(
        ...[client, client.address(2)] as const,
        ...["dev", "client2", "subflow", "backup"],
      );
      return connect(lab);
    },
    signs: {
      client: JOINED.client,
      server: "MPCapableACKRX MPCapableSYNRX MPJoinAckRx MPJoinSynBackupRx " +
        "MPJoinSynRx",
      sockets: "10.77.1.1 Mmec, client2 Jjbec",
    },
  },
  {
    name: "connection that is over",
    where: "client",
    make(lab, stack) {
      addSecond(lab);
      const connection = connect(lab);
      waitFor(() => lab.client.subflows().length === 2, "the second subflow");
      connection.close();
      connectWithin(lab.client, stack, true);
      return connection;
    },
    signs: { ...JOINED, sockets: "127.0.0.1 TCP, 127.0.0.1 TCP" },
  },
  {
    name: "server with a client that does not use MPTCP",
    where: "server",
    make(lab) {
      const { server } = lab;
      server.exec("nft", "add", "table", "inet", "filter");
      addEndpoint(server, server.address(2), "signal");
      return connect(lab, { tcpClient: true });
    },
    signs: { client: "", server: "", sockets: "10.77.1.1 TCP" },
  },
  {
    name: "connection within the host",
    where: "client",
    make(lab, stack) {
      connectWithin(lab.client, stack, false);
      // The kernel tries it for this connection, too.
      addSecond(lab);
      return connect(lab);
    },
    signs: {
      client: "MPCapableACKRX MPCapableSYNACKRX MPCapableSYNRX " +
        "MPCapableSYNTX MPJoinSynAckRx MPJoinSynTx",
      server: JOINED.server,
      sockets: "10.77.1.1 Mmec, 127.0.0.1 Mec, 127.0.0.1 Mmec, " +
        "client2 Jjec, client2 SYN-SENT, client2 SYN-SENT",
    },
  },
  {
    name: "announcing server",
    where: "client",
    make(lab) {
      const { client, server } = lab;
      setLimits(client, 2, 2);
      addEndpoint(server, server.address(2), "signal");
      return connect(lab);
    },
    signs: {
      client: `AddAddr EchoAddTx ${JOINED.client}`,
      server: `AddAddrTx EchoAdd ${JOINED.server}`,
      sockets: "10.77.1.1 Mmec, 10.77.2.1 Jjec",
    },
  },
  {
    name: "server",
    where: "server",
    make(lab, stack) {
      const { client, server } = lab;
      setLimits(client, 2, 2);
      addEndpoint(server, server.address(2), "signal");
      const listen = (address: string, isTcp: boolean) =>
        MptcpSocket.listen(server.netns, { address, port: 0 }, isTcp);
      stack.use(listen("::", false));
      stack.use(listen("0.0.0.0", true));
      connect(lab);
      return connect(lab);
    },
    signs: {
      client: `AddAddr EchoAddTx ${JOINED.client}`,
      server: `AddAddrTx EchoAdd ${JOINED.server}`,
      sockets: "10.77.1.1 Mmec, 10.77.1.1 Mmec, 10.77.2.1 Jjec, 10.77.2.1 Jjec",
    },
  },
  {
    name: "many endpoints",
    where: "client",
    paths: 5,
    make(lab) {
      setLimits(lab.client, 8, 0);
      setLimits(lab.server, 8, 0);
      for (const path of [2, 3, 4, 5]) {
        for (const family of [4, 6] as const) addUplink(lab, path, family);
      }
      return connect(lab);
    },
    signs: {
      ...JOINED,
      sockets: "10.77.1.1 Mmec, client2 Jjec, client3 Jjec, client4 Jjec, " +
        "client5 Jjec",
    },
  },
  {
    name: "userspace path manager",
    where: "client",
    make(lab, stack) {
      const { client, server } = lab;
      const pm = stack.use(PathManager.open({ netns: client.netns }));
      stack.use(pm.events());
      pm.setMode("userspace");
      const connection = connect(lab);
      const { port } = connection.client.remote;
      pm.subflowCreate({
        token: connection.client.token,
        local: { address: client.address(2), id: 2 },
        remote: { address: server.address(2), port },
        dev: client.dev(2),
      });
      return connection;
    },
    signs: JOINED,
  },
];

/** A connection of the host with itself. */
function connectWithin(
  { netns }: Host,
  stack: DisposableStack,
  isTcp: boolean,
): void {
  const own = { address: "127.0.0.1", port: 0 };
  const listener = stack.use(MptcpSocket.listen(netns, own, isTcp));
  const near = stack.use(
    MptcpSocket.connect(netns, own.address, listener.local, 1000, isTcp),
  );
  const far = stack.use(listener.accept(1000));
  near.send(10_000);
  waitFor(() => far.receive() > 0, "data");
}
