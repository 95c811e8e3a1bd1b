import { assertEquals, assertThrows } from "@std/assert";
import { type AddressAttrs, OPS } from "../../codec/mptcp_pm.gen.ts";
import {
  type EndpointFlag,
  type EndpointSelector,
  type FlagChanges,
  NotFoundError,
  PathManager,
} from "../../mod.ts";
import { assertRefused, type Refusal } from "../helpers/assert_refused.ts";
import { assertSameAsIp } from "../helpers/assert_same_as_ip.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient } from "../helpers/raw_client.ts";

liveTest("`setFlags()` leaves the flag that is not given", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const table: [EndpointFlag[], FlagChanges, EndpointFlag[]][] = [
    [["subflow"], { backup: true }, ["subflow", "backup"]],
    [["subflow"], { fullmesh: true }, ["subflow", "fullmesh"]],
    [["subflow", "backup", "fullmesh"], { backup: false }, [
      "subflow",
      "fullmesh",
    ]],
    [["subflow", "backup", "fullmesh"], { fullmesh: false }, [
      "subflow",
      "backup",
    ]],
    [["subflow", "fullmesh"], { backup: true }, [
      "subflow",
      "backup",
      "fullmesh",
    ]],
    [["subflow", "backup"], { backup: false, fullmesh: true }, [
      "subflow",
      "fullmesh",
    ]],
    [["signal"], { backup: true }, ["signal", "backup"]],
    [["signal", "backup"], { backup: false, fullmesh: false }, ["signal"]],
    [[], { backup: true, fullmesh: true }, ["backup", "fullmesh"]],
    [["backup"], { backup: true }, ["backup"]],
  ];
  for (const [flags, change, expected] of table) {
    pm.flushAddrs();
    const endpoint = pm.addAddr({ address: "10.0.0.1", flags });
    assertEquals(pm.setFlags({ id: endpoint.id, ...change }), {
      ...endpoint,
      flags: expected,
    });
    assertSameAsIp(pm.dumpAddrs(), lab.client);
  }
});

liveTest("`setFlags()` finds the endpoint by id, address and port", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const table: [EndpointSelector, number][] = [
    [{ id: 3 }, 3],
    [{ id: 3, address: "10.77.1.1" }, 3],
    [{ address: "10.0.0.1" }, 1],
    [{ address: "::ffff:10.0.0.1" }, 1],
    [{ address: "10.77.1.1", port: 0 }, 2],
    [{ address: "10.77.1.1", port: 10100 }, 3],
    [{ address: "fd77:1::1" }, 4],
  ];
  for (const [selector, expected] of table) {
    pm.flushAddrs();
    pm.addAddr({ address: "10.0.0.1", id: 1 });
    pm.addAddr({ address: "10.77.1.1", id: 2, flags: ["signal"] });
    pm.addAddr({ address: "10.77.1.1", id: 3, port: 10100, flags: ["signal"] });
    pm.addAddr({
      address: "fd77:1::1",
      id: 4,
      port: 10100,
      flags: ["signal"],
    });
    const { id, flags } = pm.setFlags({ ...selector, backup: true });
    assertEquals(id, expected);
    assertEquals(flags.at(-1), "backup");
    const changed = pm.dumpAddrs()
      .filter(({ flags }) => flags.includes("backup"));
    assertEquals(changed.map(({ id }) => id), [expected]);
  }
});

liveTest("`setFlags()` names the endpoint that it does not find", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const address = "10.77.1.1";
  pm.addAddr({ address, id: 2, port: 10101, flags: ["signal"] });
  pm.addAddr({ address, id: 3, port: 10100, flags: ["signal"] });
  assertThrows(
    () => pm.setFlags({ address, backup: true }),
    TypeError,
    "Ambiguous endpoint: 10.77.1.1 is id 2 port 10101 and id 3 port 10100",
  );
  assertThrows(
    () => pm.setFlags({ address: "10.0.0.9", backup: true }),
    NotFoundError,
    "Cannot set flags: no endpoint is 10.0.0.9",
  );
  assertThrows(
    () => pm.setFlags({ id: 9, backup: true }),
    NotFoundError,
    "Cannot set flags: no endpoint has id 9",
  );
  assertRefused(
    () => pm.setFlags({ id: 2, fullmesh: true }),
    "set-flags EINVAL",
    {
      message: "invalid addr flags",
      attribute: ".addr",
      hint: "fullmesh goes with neither signal nor an implicit endpoint",
    },
  );
});

liveTest("a refused set-flags names the attribute and the reason", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  const v4 = { family: 2, addr4: "10.0.0.1" };
  raw.execute(OPS["add-addr"], { addr: { ...v4, id: 1, flags: 1 } });
  const table: [AddressAttrs | undefined, string, Refusal][] = [
    [undefined, "EINVAL", { attribute: ".addr", missing: 1 }],
    [{ flags: 4 }, "EOPNOTSUPP", {
      message: "missing address ID",
      attribute: ".addr",
    }],
    [{ id: 0, flags: 4 }, "EOPNOTSUPP", {
      message: "missing address ID",
      attribute: ".addr",
    }],
    [{ id: 9, flags: 4 }, "EINVAL", {
      message: "address not found",
      attribute: ".addr",
    }],
    [{ id: 1, family: 2, addr4: "10.0.0.2" }, "EINVAL", {
      message: "address not found",
      attribute: ".addr",
    }],
    [{ ...v4, flags: 8 }, "EINVAL", {
      message: "invalid addr flags",
      attribute: ".addr",
    }],
  ];
  for (const [addr, code, refusal] of table) {
    assertRefused(
      () =>
        raw.execute(OPS["set-flags"], { ...addr !== undefined && { addr } }),
      `set-flags ${code}`,
      refusal,
    );
  }
});

liveTest("set-flags clears the flag that is not given", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  const addr = { family: 2, id: 1, addr4: "10.0.0.1", port: 0 };
  raw.execute(OPS["add-addr"], { addr: { ...addr, flags: 2 | 8 } });
  raw.execute(OPS["set-flags"], { addr: { id: 1, flags: 4 } });
  assertEquals(raw.dump(OPS["get-addr"], {}), [{
    addr: { ...addr, flags: 2 | 4 },
  }]);
  raw.execute(OPS["set-flags"], { addr: { id: 1 } });
  assertEquals(raw.dump(OPS["get-addr"], {}), [{
    addr: { ...addr, flags: 2 },
  }]);
});

liveTest("`setFlags()` changes the priority of existing subflows", () => {
  using lab = Lab.open({ paths: 2 });
  const { client, server } = lab;
  using pm = PathManager.open({ netns: client.netns });
  const address = client.address(2);
  pm.addAddr({ address, dev: client.dev(2), flags: ["subflow"] });
  using connection = lab.connect();
  connection.transfer(1000);
  const flags = () =>
    server.subflows().find(({ remote }) => remote.startsWith(address))?.flags;
  waitFor(() => flags() === "Jec", "the second subflow");
  pm.setFlags({ address, backup: true });
  waitFor(() => flags() === "JBec", "the peer to know of backup");
  waitFor(() => server.counter("MPTcpExtMPPrioRx") === 1, "MP_PRIO");
  pm.setFlags({ address, backup: false });
  waitFor(() => flags() === "Jec", "the peer to know of no backup");
  waitFor(() => server.counter("MPTcpExtMPPrioRx") === 2, "MP_PRIO");
});
