/**
 * A userspace path manager as its author would write it: commands take the
 * values of events, and the peer's events show their effect.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { inNetns } from "../../ffi/netns.ts";
import { PathManager } from "../../mod.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { assertRefused } from "../helpers/assert_refused.ts";
import { KINDS } from "../helpers/connection_kinds.ts";
import { liveTest } from "../helpers/live.ts";
import { openUserspaceLab } from "../helpers/userspace_lab.ts";
import { Witness } from "../helpers/witness.ts";

for (const { name, options, at, prefix } of KINDS) {
  liveTest(`commands take the values of events: ${name}`, async () => {
    using made = await openUserspaceLab(options);
    const { connection, client, server } = made;
    const [near, far] = [client.events, server.events];
    const { token } = client;
    const { port } = client.socket.remote;

    const address = at(server.host, 2);
    const signal = { token: server.token, address, id: 5 };
    const announce = async () => {
      server.pm.announce(signal);
      const announced = await near.take("announced");
      assertEquals(announced, {
        type: "announced",
        token,
        remId: 5,
        address,
        port,
      });
      return announced;
    };
    const local = { address: at(client.host, 2), id: 7 };
    const dev = client.host.dev(2);
    const join = async () => {
      const remote = await announce();
      client.pm.subflowCreate({ token, local, remote, dev });
      const opened = await near.take("sub-established");
      assertEquals(opened, {
        type: "sub-established",
        token,
        local: { address: local.address, port: opened.local.port },
        remote: { address, port },
        locId: 7,
        remId: 5,
        backup: false,
        ifIndex: 12,
        dev,
      });
      const seen = await far.take("sub-established");
      assertEquals(seen, {
        type: "sub-established",
        token: server.token,
        local: { address: prefix + address, port },
        remote: {
          address: prefix + local.address,
          port: opened.local.port,
        },
        locId: 5,
        remId: 7,
        backup: false,
        ifIndex: 0,
      });
      return { opened, seen };
    };
    const first = await join();
    for (const backup of [true, false]) {
      client.pm.setSubflowBackup({ ...first.opened, backup });
      assertEquals(await far.take("sub-priority"), {
        ...first.seen,
        type: "sub-priority",
        backup,
      });
    }

    // The server closes it with the values of its own event.
    server.pm.subflowDestroy(first.seen);
    const closed = await near.take("sub-closed");
    assertEquals([closed.local, closed.remote], [
      first.opened.local,
      first.opened.remote,
    ]);
    assertEquals((await far.take("sub-closed")).remote, first.seen.remote);

    // All data takes the next one, once the initial subflow is gone.
    const second = await join();
    const { local: initial, remote: other } = client.socket;
    client.pm.subflowDestroy({ token, local: initial, remote: other });
    const { locId } = await near.take("sub-closed");
    assertEquals(locId, 0);
    waitFor(() => server.host.subflows().length === 1, "one subflow");
    connection.transfer(1_000_000);
    const [subflow] = server.host.subflows();
    assertGreaterOrEqual(subflow!.bytesReceived, 1_000_000);

    server.pm.remove({ token: server.token, id: 5 });
    assertEquals(await near.take("removed"), {
      type: "removed",
      token,
      remId: 5,
    });
    assertEquals(
      (await near.take("sub-closed")).local,
      second.opened.local,
    );
  });
}

for (const family of [4, 6] as const) {
  liveTest(`an IPv${family} address is announced with its port`, async () => {
    using lab = Lab.open({ paths: 2 });
    const { client, server } = lab;
    // Linux 6.18 finds no room for the larger option beside a timestamp.
    client.sysctl("net.ipv4.tcp_timestamps", 0);
    using pm = PathManager.open({ netns: server.netns });
    using _former = pm.setMode("userspace");
    using near = PathManager.open({ netns: client.netns });
    using events = new Witness(near.events());
    using connection = lab.connect({ family });
    connection.transfer(1000);
    const address = family === 4 ? server.address(2) : server.address6(2);
    const { token } = connection.server;
    pm.announce({ token, address, id: 255, port: 10100 });
    assertEquals(await events.take("announced"), {
      type: "announced",
      token: connection.client.token,
      remId: 255,
      address,
      port: 10100,
    });
  });
}

liveTest("a connection that fell back to TCP takes no subflows", async () => {
  using lab = Lab.open();
  const { client, server } = lab;
  using pm = PathManager.open({ netns: client.netns });
  using _former = pm.setMode("userspace");
  using near = new Witness(pm.events());
  using listener = inNetns(
    server.netns,
    () => Deno.listen({ hostname: "0.0.0.0", port: 0 }),
    (listener) => listener.close(),
  );
  using socket = MptcpSocket.connect(
    client.netns,
    client.address(1),
    { address: server.address(1), port: listener.addr.port },
    20_000,
  );
  using _accepted = await listener.accept();
  // Only `ss` knows the token: there is no event, and no socket option.
  const shown = client.exec("ss", "-MniH");
  const token = parseInt(shown.match(/ token:([0-9a-f]+)/)![1]!, 16);
  const { local, remote } = socket;
  const { address } = local;
  assertRefused(
    () => pm.subflowCreate({ token, local: { address, id: 6 }, remote }),
    "subflow-create ENOTCONN",
    {
      message: "connect error: -107",
      hint: "not on a connection that fell back to TCP",
    },
  );
  // These succeed and do nothing.
  pm.setSubflowBackup({ token, local, remote, backup: true });
  pm.announce({ token, address, id: 5 });
  assertEquals(pm.dumpAddrs({ token }).map(({ id }) => id), [5]);
  for (const name of ["MPTcpExtAddAddrTx", "MPTcpExtMPPrioTx"]) {
    assertEquals(client.counter(name), 0, name);
  }
  socket.close();
  assertEquals(await near.take("closed"), { type: "closed", token });
  assertEquals(near.seen.length, 1);
});
