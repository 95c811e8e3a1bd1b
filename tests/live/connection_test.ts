import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { type AddressAttrs, OPS } from "../../codec/mptcp_pm.gen.ts";
import { type Endpoint, PathManager } from "../../mod.ts";
import { assertRefused, type Refusal } from "../helpers/assert_refused.ts";
import type { Host } from "../../testing/host.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import type { MptcpSocket } from "../../testing/mptcp_socket.ts";
import { KINDS } from "../helpers/connection_kinds.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient } from "../helpers/raw_client.ts";
import { type End, openUserspaceLab } from "../helpers/userspace_lab.ts";

/** An address and a port, as `ss` writes them. */
function asSs({ address, port }: { address: string; port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Waits for a counter of `nstat`: an event may be faster. */
function waitForCount(host: Host, name: string, count: number): void {
  waitFor(() => host.counter(name) === count, `${name} to be ${count}`);
}

/** Opens a second subflow from the client, and returns its two ends. */
async function openSecond(client: End, server: End, family: 4 | 6 = 4) {
  const address = (host: Host) =>
    family === 4 ? host.address(2) : host.address6(2);
  const remote = {
    address: address(server.host),
    port: client.socket.remote.port,
  };
  const local = { address: address(client.host), id: 7 };
  client.pm.subflowCreate({ token: client.token, local, remote });
  const opened = await client.events.take("sub-established");
  await server.events.take("sub-established");
  return { local: opened.local, remote };
}

for (const { name, options, at, prefix } of KINDS) {
  /** As the sockets of the server have it. */
  const seenAt = (host: Host, path: number) => prefix + at(host, path);

  liveTest(
    `\`announce()\` and \`remove()\` reach the peer: ${name}`,
    async () => {
      using made = await openUserspaceLab(options);
      const { client, server: { pm, token, host } } = made;
      const address = at(host, 2);
      const { port } = client.socket.remote;

      pm.announce({ token, address, id: 5 });
      assertEquals(await client.events.take("announced"), {
        type: "announced",
        token: client.token,
        remId: 5,
        address,
        port,
      });
      waitForCount(client.host, "MPTcpExtAddAddr", 1);
      waitForCount(host, "MPTcpExtEchoAdd", 1);
      // The same again is announced again.
      const dev = host.dev(2);
      pm.announce({ token, address, id: 5, dev });
      await client.events.take("announced");

      const endpoint: Endpoint = {
        address,
        port: 0,
        id: 5,
        flags: ["signal"],
        ifIndex: 0,
      };
      assertEquals(pm.dumpAddrs({ token }), [endpoint]);
      assertEquals(pm.getAddr({ token, id: 5 }), endpoint);
      assertEquals(pm.dumpAddrs(), []);

      pm.remove({ token, id: 5 });
      assertEquals(await client.events.take("removed"), {
        type: "removed",
        token: client.token,
        remId: 5,
      });
      waitForCount(client.host, "MPTcpExtRmAddr", 1);
      assertEquals(pm.dumpAddrs({ token }), []);
    },
  );

  liveTest(`\`subflowCreate()\` opens a path for data: ${name}`, async () => {
    using made = await openUserspaceLab(options);
    const { connection, client, server, client: { pm, token, host } } = made;
    const local = { address: at(host, 2), id: 7 };
    const remote = {
      address: at(server.host, 2),
      port: client.socket.remote.port,
    };
    const dev = host.dev(2);
    pm.subflowCreate({ token, local, remote, dev });
    const event = await client.events.take("sub-established");
    assertEquals([event.locId, event.ifIndex, event.backup], [7, 12, false]);
    const { port } = event.local;
    const peer = await server.events.take("sub-established");
    assertEquals(
      [peer.remote, peer.remId],
      [{ address: seenAt(host, 2), port }, 7],
    );
    assertEquals(pm.dumpAddrs({ token }), [
      { ...local, port: 0, flags: ["subflow"], ifIndex: 12, dev },
    ]);

    // Without the initial subflow all data takes the new one.
    pm.subflowDestroy({
      token,
      local: client.socket.local,
      remote: client.socket.remote,
    });
    await client.events.take("sub-closed", ({ locId }) => locId === 0);
    waitFor(() => server.host.subflows().length === 1, "one subflow");
    const size = 1_000_000;
    connection.transfer(size);
    const subflows = server.host.subflows();
    assertEquals(
      subflows.map(({ local, remote, token }) => ({ local, remote, token })),
      [{
        local: asSs({ address: seenAt(server.host, 2), port: remote.port }),
        remote: asSs({ address: seenAt(host, 2), port }),
        token: server.token,
      }],
    );
    assertGreaterOrEqual(subflows[0]!.bytesReceived, size);
  });

  liveTest(`\`subflowDestroy()\` closes one subflow: ${name}`, async () => {
    using made = await openUserspaceLab(options);
    const { connection, client, server } = made;
    const second = await openSecond(client, server, options.family);
    assertEquals(client.host.subflows().length, 2);
    // From the server's side, in the words of its socket.
    const { port } = second.local;
    server.pm.subflowDestroy({
      token: server.token,
      local: {
        address: seenAt(server.host, 2),
        port: second.remote.port,
      },
      remote: { address: seenAt(client.host, 2), port },
    });
    const closed = await client.events.take("sub-closed");
    assertEquals(closed.local, second.local);
    waitFor(() => client.host.subflows().length === 1, "one subflow");
    assertEquals(
      client.host.subflows().map(({ local }) => local),
      [asSs(client.socket.local)],
    );
    connection.transfer(1000);
  });

  liveTest(
    `\`setSubflowBackup()\` changes the priority at the peer: ${name}`,
    async () => {
      using made = await openUserspaceLab(options);
      const { client, server } = made;
      const { pm, token } = client;
      const { local, remote } = await openSecond(
        client,
        server,
        options.family,
      );
      const flags = () =>
        server.host.subflows()
          .find(({ remote }) => remote.endsWith(`:${local.port}`))?.flags;
      waitFor(() => flags() === "Jec", "the second subflow");
      pm.setSubflowBackup({ token, local, remote, backup: true });
      const changed = await server.events.take("sub-priority");
      assertEquals([changed.remote.port, changed.backup], [local.port, true]);
      waitFor(() => flags() === "JBec", "the flag of a backup");
      waitForCount(server.host, "MPTcpExtMPPrioRx", 1);
      pm.setSubflowBackup({ token, local, remote, backup: false });
      assert(!(await server.events.take("sub-priority")).backup);
      waitFor(() => flags() === "Jec", "no flag of a backup");
    },
  );
}

liveTest("`announce()` takes a port and a device", async () => {
  using made = await openUserspaceLab();
  const { client, server: { pm, token, host } } = made;
  const address = host.address(2);
  const dev = host.dev(2);
  pm.announce({ token, address, id: 255, port: 10100, dev });
  const announced = await client.events.take("announced");
  assertEquals([announced.remId, announced.port], [255, 10100]);
  waitForCount(client.host, "MPTcpExtPortAdd", 1);
  assertEquals(pm.dumpAddrs({ token }), [
    { address, port: 10100, id: 255, flags: ["signal"], ifIndex: 22, dev },
  ]);
  // Nothing listens: that is for the program to do.
  assert(!host.exec("ss", "-tlnH").includes(":10100"));
});

liveTest("`subflowCreate()` opens a backup from a given port", async () => {
  using made = await openUserspaceLab();
  const { client, server } = made;
  const { pm, token, host, socket } = client;
  // A port that is free: the kernel has just given it to the first subflow.
  const { port } = socket.local;
  pm.subflowCreate({
    token,
    local: { address: host.address(2), id: 7, port },
    remote: { address: server.host.address(2), port: socket.remote.port },
    backup: true,
  });
  const { local } = await client.events.take("sub-established");
  assertEquals(local.port, port);
  assert((await server.events.take("sub-established")).backup);
  assertEquals(
    pm.getAddr({ token, id: 7 }).flags,
    ["subflow", "backup"],
  );
});

liveTest("`subflowCreate()` succeeds although the peer refuses", async () => {
  using made = await openUserspaceLab();
  const { client, server } = made;
  const { pm, token, host } = client;
  pm.subflowCreate({
    token,
    local: { address: host.address(2), id: 7 },
    remote: { address: server.host.address(2), port: 1 },
  });
  const { locId, remId, error } = await client.events.take("sub-closed");
  assertEquals([locId, remId, error?.code], [7, 0, "ECONNREFUSED"]);
});

liveTest("`remove()` with id 0 withdraws the initial address", async () => {
  using made = await openUserspaceLab();
  const { connection, client, server } = made;
  const { local } = await openSecond(client, server);
  client.pm.remove({ token: client.token, id: 0 });
  assertEquals((await server.events.take("removed")).remId, 0);
  waitFor(
    () => server.host.subflows().length === 1,
    "the initial subflow to close",
  );
  assertEquals(server.host.subflows()[0]!.remote, asSs(local));
  connection.transfer(1000);
});

/** Asserts that each command refuses a token. */
function assertTokenRefused(
  pm: PathManager,
  { token, local, remote }: Pick<MptcpSocket, "token" | "local" | "remote">,
  refusal: Refusal,
): void {
  const { address } = local;
  const table: [string, () => unknown][] = [
    ["get-addr", () => pm.dumpAddrs({ token })],
    ["announce", () => pm.announce({ token, address, id: 1 })],
    ["remove", () => pm.remove({ token, id: 1 })],
    ["subflow-create", () => pm.subflowCreate({ token, local, remote })],
    ["subflow-destroy", () => pm.subflowDestroy({ token, local, remote })],
    [
      "set-flags",
      () => pm.setSubflowBackup({ token, local, remote, backup: true }),
    ],
  ];
  for (const [op, action] of table) {
    assertRefused(action, `${op} EINVAL`, { attribute: ".token", ...refusal });
  }
}

liveTest("each command refuses an unknown token", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const local = { address: "10.0.0.1", port: 1 };
  const remote = { address: "10.0.0.2", port: 2 };
  assertTokenRefused(pm, { token: 0x12345678, local, remote }, {
    message: "invalid token",
    hint: "a token belongs to one network namespace",
  });
});

liveTest(
  "each command refuses a connection of the kernel's path manager",
  () => {
    using lab = Lab.open();
    using pm = PathManager.open({ netns: lab.client.netns });
    using connection = lab.connect();
    connection.transfer(1000);
    // Too late for this connection.
    pm.setMode("userspace");
    assertTokenRefused(pm, connection.client, {
      message: "userspace PM not selected",
      hint: "while net.mptcp.path_manager was userspace",
    });
  },
);

liveTest("the peer's token is refused", async () => {
  using made = await openUserspaceLab();
  const { client, server } = made;
  assertRefused(
    () => client.pm.remove({ token: server.token, id: 1 }),
    "remove EINVAL",
    {
      message: "invalid token",
      attribute: ".token",
      hint: "a token belongs to one network namespace",
    },
  );
});

liveTest("each command explains what it refuses", async () => {
  using made = await openUserspaceLab();
  const { host, pm, token, socket: { local, remote } } = made.client;
  const here = host.address(2);
  const far = made.server.host.address(2);
  pm.announce({ token, address: here, id: 5 });
  const to = (address: string, port = remote.port) => ({ address, port });
  const sameIds = "did not match address and id";
  const table: [string, () => unknown, Refusal][] = [
    ["announce EINVAL", () => pm.announce({ token, address: here, id: 6 }), {
      message: sameIds,
      attribute: ".addr",
      hint: "an address keeps the id that it was first announced with",
    }],
    ["announce EINVAL", () => pm.announce({ token, address: far, id: 5 }), {
      message: sameIds,
      attribute: ".addr",
      hint: "an address keeps the id that it was first announced with",
    }],
    ["remove EINVAL", () => pm.remove({ token, id: 9 }), {
      message: "address with id 9 not found",
      attribute: ".loc-id",
      hint: "no address was announced with this id",
    }],
    ["get-addr EINVAL", () => pm.getAddr({ token, id: 9 }), {
      message: "address not found",
      attribute: ".addr",
    }],
    [
      "subflow-create EINVAL",
      () => pm.subflowCreate({ token, local: { address: here }, remote }),
      {
        message: sameIds,
        attribute: ".addr",
        hint: "an address and its local port keep their id",
      },
    ],
    [
      "subflow-create EINVAL",
      () =>
        pm.subflowCreate({ token, local: { address: here, id: 6 }, remote }),
      {
        message: sameIds,
        attribute: ".addr",
        hint: "an address and its local port keep their id",
      },
    ],
    ["subflow-create EINVAL", () =>
      pm.subflowCreate({
        token,
        local: { address: host.address6(2), id: 7 },
        remote: to(made.server.host.address6(2)),
      }), {
      message: "families mismatch",
      hint: "both addresses are of one family, which is that of the connection",
    }],
    ["subflow-create EINVAL", () =>
      pm.subflowCreate({
        token,
        local: { address: here, id: 5 },
        remote: to(made.server.host.address6(2)),
      }), {
      message: "families mismatch",
      hint: "both addresses are of one family, which is that of the connection",
    }],
    ["subflow-create EADDRNOTAVAIL", () =>
      pm.subflowCreate({
        token,
        local: { address: "10.99.0.1", id: 8 },
        remote,
      }), {
      message: "connect error: -99",
      hint: "the local address is not on this host",
    }],
    ["subflow-create ENETUNREACH", () =>
      pm.subflowCreate({
        token,
        local: { address: here, id: 5 },
        remote: to("224.0.0.9"),
      }), { message: "connect error: -101" }],
    [
      "subflow-destroy ESRCH",
      () => pm.subflowDestroy({ token, local, remote: to(far) }),
      {
        message: "subflow not found",
        hint: "the addresses are written as the subflow's socket has them",
      },
    ],
    ["subflow-destroy EINVAL", () =>
      pm.subflowDestroy({
        token,
        local,
        remote: to(made.server.host.address6(2)),
      }), { message: "address families do not match" }],
    [
      "set-flags EINVAL",
      () =>
        pm.setSubflowBackup({ token, local, remote: to(far), backup: true }),
      {
        message: "subflow not found",
      },
    ],
  ];
  for (const [expected, action, refusal] of table) {
    assertRefused(action, expected, refusal);
  }
});

liveTest(
  "`subflowDestroy()` takes the addresses of the socket",
  async () => {
    using made = await openUserspaceLab({ dualStack: true });
    const { client, server: { pm, token, socket } } = made;
    const { local, remote } = client.socket;
    assertEquals(socket.local.address, `::ffff:${remote.address}`);
    assertRefused(
      () => pm.subflowDestroy({ token, local: remote, remote: local }),
      "subflow-destroy ESRCH",
      {
        message: "subflow not found",
        hint: "an IPv4 client of a dual-stack server is ::ffff:a.b.c.d there",
      },
    );
    pm.subflowDestroy({ token, local: socket.local, remote: socket.remote });
    await client.events.take("sub-closed");
  },
);

liveTest("an IPv4-mapped address is announced as IPv6", async () => {
  using made = await openUserspaceLab({ dualStack: true });
  const { client, server: { host, token, pm } } = made;
  using raw = RawClient.open(host.netns);
  const mapped = `::ffff:${host.address(2)}`;
  raw.execute(OPS["announce"], {
    addr: { family: 10, id: 5, addr6: mapped, flags: 1 },
    token,
  });
  assertEquals((await client.events.take("announced")).address, mapped);
  // To the kernel both are one address, which keeps its id.
  assertRefused(
    () => pm.announce({ token, address: host.address(2), id: 6 }),
    "announce EINVAL",
    {
      message: "did not match address and id",
      attribute: ".addr",
      hint: "an address keeps the id that it was first announced with",
    },
  );
  // A peer with Linux makes of it what is meant.
  client.pm.subflowCreate({
    token: client.token,
    local: { address: client.host.address(2), id: 7 },
    remote: { address: mapped, port: client.socket.remote.port },
  });
  const { remote } = await client.events.take("sub-established");
  assertEquals(remote.address, host.address(2));
});

liveTest("`subflowCreate()` before the first data is refused", () => {
  using lab = Lab.open({ paths: 2 });
  const { client, server } = lab;
  using pm = PathManager.open({ netns: client.netns });
  pm.setMode("userspace");
  using connection = lab.connect();
  const { token, remote: { port } } = connection.client;
  assertRefused(
    () =>
      pm.subflowCreate({
        token,
        local: { address: client.address(2), id: 7 },
        remote: { address: server.address(2), port },
      }),
    "subflow-create ENOTCONN",
    {
      message: "connect error: -107",
      hint: "subflows are possible once data has been exchanged",
    },
  );
});

liveTest(
  "a failed `subflowCreate()` removes the address",
  async () => {
    using made = await openUserspaceLab();
    const { client, server } = made;
    const { pm, token } = client;
    const { local } = await openSecond(client, server);
    const ids = () => pm.dumpAddrs({ token }).map(({ id }) => id);
    assertEquals(ids(), [7]);
    assertRefused(
      () =>
        pm.subflowCreate({
          token,
          local: { address: local.address, id: 7 },
          remote: { address: "224.0.0.9", port: 1 },
        }),
      "subflow-create ENETUNREACH",
      { message: "connect error: -101" },
    );
    assertEquals(ids(), []);
  },
);

liveTest(
  "refused commands for connections name the attribute",
  async () => {
    using made = await openUserspaceLab();
    const { host, token, socket: { local, remote } } = made.client;
    using raw = RawClient.open(host.netns);
    const here: AddressAttrs = { family: 2, addr4: local.address };
    const far: AddressAttrs = { family: 2, addr4: remote.address };
    const { port } = remote;
    type Row = [
      Parameters<RawClient["execute"]>[0],
      object,
      string,
      Refusal,
    ];
    const addr = (message: string): Refusal => ({
      message,
      attribute: ".addr",
    });
    const missing = (attribute: string, missing: number): Refusal => ({
      attribute,
      missing,
    });
    const keepsId = "an address keeps the id that it was first announced with";
    const oneFamily = "both addresses are of one family";
    const table: Row[] = [
      [OPS["announce"], {}, "EINVAL", missing(".addr", 1)],
      [OPS["announce"], { addr: here }, "EINVAL", missing(".token", 4)],
      [OPS["announce"], { addr: { ...here, flags: 1 }, token }, "EINVAL", {
        ...addr("invalid addr id"),
        hint: keepsId,
      }],
      [OPS["announce"], { addr: { ...here, id: 5 }, token }, "EINVAL", {
        ...addr("invalid addr flags"),
        hint: keepsId,
      }],
      [OPS["announce"], { addr: { id: 5, flags: 1 }, token }, "EINVAL", {
        ...addr("missing family"),
        hint: keepsId,
      }],
      [OPS["remove"], {}, "EINVAL", missing(".loc-id", 5)],
      [OPS["remove"], { locId: 1 }, "EINVAL", missing(".token", 4)],
      [OPS["subflow-create"], { token }, "EINVAL", missing(".addr", 1)],
      [
        OPS["subflow-create"],
        { addr: here, token },
        "EINVAL",
        missing(".addr-remote", 6),
      ],
      [
        OPS["subflow-create"],
        { addr: here, addrRemote: far },
        "EINVAL",
        missing(".token", 4),
      ],
      [
        OPS["subflow-create"],
        {
          addr: { ...here, flags: 1 },
          token,
          addrRemote: { ...far, port },
        },
        "EINVAL",
        {
          ...addr("invalid addr flags"),
          hint: "an address and its local port keep their id",
        },
      ],
      [
        OPS["subflow-create"],
        { addr: here, token, addrRemote: { port } },
        "EINVAL",
        {
          message: "missing family",
          attribute: ".addr-remote",
          hint: oneFamily,
        },
      ],
      [
        OPS["subflow-create"],
        {
          addr: { ...here, ifIdx: 999 },
          token,
          addrRemote: { ...far, port },
        },
        "ENODEV",
        {
          message: "connect error: -19",
          hint: "there is no such device",
        },
      ],
      [
        OPS["subflow-destroy"],
        {
          addr: here,
          token,
          addrRemote: { ...far, port },
        },
        "EINVAL",
        addr("missing local port"),
      ],
      [
        OPS["subflow-destroy"],
        {
          addr: { ...here, port },
          token,
          addrRemote: far,
        },
        "EINVAL",
        {
          message: "missing remote port",
          attribute: ".addr-remote",
        },
      ],
      [
        OPS["set-flags"],
        { addr: { ...here, flags: 4 }, token },
        "EINVAL",
        missing(".addr-remote", 6),
      ],
      [
        OPS["set-flags"],
        {
          addr: { id: 1, flags: 4 },
          token,
          addrRemote: far,
        },
        "EINVAL",
        {
          ...addr("invalid local address family"),
        },
      ],
    ];
    for (const [op, attrs, code, refusal] of table) {
      assertRefused(
        () => raw.execute(op, attrs),
        `${op.name} ${code}`,
        refusal,
      );
    }
  },
);
