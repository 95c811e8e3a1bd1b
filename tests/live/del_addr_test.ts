import { assertEquals, assertThrows } from "@std/assert";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { NotFoundError, PathManager } from "../../mod.ts";
import { assertRefused } from "../helpers/assert_refused.ts";
import { assertSameAsIp } from "../helpers/assert_same_as_ip.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient } from "../helpers/raw_client.ts";

liveTest("`delAddr()` deletes what is selected and returns it", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const dev = lab.client.dev(1);
  const table: [Parameters<PathManager["delAddr"]>[0], number[]][] = [
    [{ id: 1 }, [1]],
    [{ id: 1, address: "10.0.0.1" }, [1]],
    [{ id: 1, address: "::ffff:10.0.0.1" }, [1]],
    [{ address: "10.0.0.1" }, [1]],
    [{ address: "::ffff:10.0.0.1" }, [1]],
    [{ address: "10.77.1.1" }, [2, 3, 4]],
    [{ address: "10.77.1.1", port: 0 }, [2]],
    [{ address: "10.77.1.1", port: 10101 }, [4]],
    [{ address: "fd77:1:0::0:1" }, [5]],
    [{ dev }, [3, 5]],
    [{ dev: 11 }, [3, 5]],
  ];
  for (const [selector, expected] of table) {
    pm.flushAddrs();
    pm.addAddr({ address: "10.0.0.1", id: 1, flags: ["subflow"] });
    const address = "10.77.1.1";
    pm.addAddr({ address, id: 2, flags: ["signal"] });
    pm.addAddr({ address, id: 3, port: 10100, flags: ["signal"], dev });
    pm.addAddr({ address, id: 4, port: 10101, flags: ["signal"] });
    pm.addAddr({ address: "fd77:1::1", id: 5, dev });
    const before = pm.dumpAddrs();
    const gone = pm.delAddr(selector);
    assertEquals(
      gone,
      before.filter(({ id }) => expected.includes(id)),
      JSON.stringify(selector),
    );
    assertEquals(
      pm.dumpAddrs(),
      before.filter(({ id }) => !expected.includes(id)),
    );
    assertSameAsIp(pm.dumpAddrs(), lab.client);
  }
});

liveTest("`delAddr()` takes what `addAddr()` returned", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const address = lab.client.address(1);
  const table: Parameters<PathManager["addAddr"]>[0][] = [
    { address },
    { address, port: 10100, flags: ["signal"] },
    { address, dev: lab.client.dev(1) },
  ];
  for (const options of table) {
    const endpoint = pm.addAddr(options);
    assertEquals(pm.delAddr(endpoint), [endpoint]);
  }
});

liveTest("`delAddr()` names what it does not find, and deletes nothing", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const endpoint = pm.addAddr({ address: "10.0.0.1", id: 1 });
  const table: [Parameters<PathManager["delAddr"]>[0], string][] = [
    [{ address: "10.0.0.2" }, "no endpoint is 10.0.0.2"],
    [{ address: "10.0.0.1", port: 5 }, "no endpoint is 10.0.0.1 port 5"],
    [{ address: "::1" }, "no endpoint is ::1"],
    [{ id: 1, address: "10.0.0.2" }, "endpoint 1 is 10.0.0.1, not 10.0.0.2"],
    [{ dev: "lo" }, "no endpoint is dev lo"],
    [{ id: 1, dev: "lo" }, "endpoint 1 is 10.0.0.1, not dev lo"],
    [{ id: 2 }, "no endpoint has id 2"],
  ];
  for (const [selector, reason] of table) {
    const error = assertThrows(
      () => pm.delAddr(selector),
      NotFoundError,
      `Cannot delete address: ${reason}`,
    );
    assertEquals(error.op, "del-addr");
  }
  assertThrows(
    () => pm.delAddr({ dev: "none" }),
    NotFoundError,
    'there is no device "none"',
  );
  assertEquals(pm.dumpAddrs(), [endpoint]);
});

liveTest("a refused del-addr names the attribute and the reason", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  assertRefused(
    () => raw.execute(OPS["del-addr"], { addr: { id: 5 } }),
    "del-addr EINVAL",
    { message: "address not found", attribute: ".addr" },
  );
  assertRefused(() => raw.execute(OPS["del-addr"], {}), "del-addr EINVAL", {
    attribute: ".addr",
    missing: 1,
  });
  raw.spoil = (request) => request.length(24, 4);
  assertRefused(
    () => raw.execute(OPS["del-addr"], { addr: { id: 5 } }),
    "del-addr ERANGE",
    { message: "Attribute failed policy validation", attribute: ".addr.id" },
  );
});

liveTest("del-addr with an address alone succeeds and deletes nothing", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  using raw = RawClient.open(lab.client.netns);
  const endpoint = pm.addAddr({ address: "10.0.0.1", flags: ["subflow"] });
  raw.execute(OPS["del-addr"], { addr: { family: 2, addr4: "10.0.0.1" } });
  pm.closeInitialSubflows({ address: "10.0.0.1" });
  assertEquals(pm.dumpAddrs(), [endpoint]);
});

liveTest("`delAddr()` closes the subflow from the endpoint", () => {
  using lab = Lab.open({ paths: 2 });
  const { client, server } = lab;
  using pm = PathManager.open({ netns: client.netns });
  const address = client.address(2);
  pm.addAddr({ address, dev: client.dev(2), flags: ["subflow"] });
  using connection = lab.connect();
  connection.transfer(1000);
  waitFor(() => client.subflows().length === 2, "the second subflow");

  pm.delAddr({ address });
  waitFor(() => client.subflows().length === 1, "the second subflow to close");
  const { local } = connection.client;
  assertEquals(
    client.subflows()[0]!.local,
    `${local.address}:${local.port}`,
  );
  waitFor(() => server.counter("MPTcpExtRmAddr") === 1, "RM_ADDR");
  connection.transfer(1000);
});

liveTest("`closeInitialSubflows()` closes the initial subflow", () => {
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  using pm = PathManager.open({ netns: client.netns });
  const dev = client.dev(2);
  pm.addAddr({ address: client.address(2), dev, flags: ["subflow"] });
  using connection = lab.connect();
  connection.transfer(1000);
  waitFor(() => client.subflows().length === 2, "the second subflow");

  pm.closeInitialSubflows({ address: client.address(1) });
  waitFor(() => client.subflows().length === 1, "the initial subflow to close");
  assertEquals(client.subflows()[0]!.local.split("%")[0], client.address(2));
  connection.transfer(100_000);
  assertEquals(pm.dumpAddrs().length, 1);
});
