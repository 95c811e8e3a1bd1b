import { assertEquals } from "@std/assert";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { PathManager } from "../../mod.ts";
import { assertRefused } from "../helpers/assert_refused.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient } from "../helpers/raw_client.ts";

liveTest("`flushAddrs()` deletes all endpoints and leaves the limits", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const limits = { subflows: 5, addAddrAccepted: 4 };
  pm.setLimits(limits);
  pm.flushAddrs();
  pm.addAddr({ address: "10.0.0.1", id: 200, flags: ["subflow"] });
  pm.addAddr({ address: "10.77.1.1", port: 10100, flags: ["signal"] });
  assertEquals(lab.client.exec("ss", "-tlnH").includes(":10100"), true);
  pm.flushAddrs();
  assertEquals(pm.dumpAddrs(), []);
  assertEquals(lab.client.endpoints(), []);
  assertEquals(pm.getLimits(), limits);
  waitFor(
    () => !lab.client.exec("ss", "-tlnH").includes(":10100"),
    "the listener to be closed",
  );
  assertEquals(pm.addAddr({ address: "10.0.0.1" }).id, 1);
});

liveTest("`flushAddrs()` closes the subflows from the endpoints", () => {
  using lab = Lab.open({ paths: 2 });
  const { client } = lab;
  using pm = PathManager.open({ netns: client.netns });
  pm.addAddr({ address: client.address6(2), flags: ["subflow"] });
  using connection = lab.connect({ family: 6 });
  connection.transfer(1000);
  waitFor(() => client.subflows().length === 2, "the second subflow");
  pm.flushAddrs();
  waitFor(() => client.subflows().length === 1, "the subflow to be closed");
  connection.transfer(1000);
});

liveTest("flush-addrs checks an address that it does not use", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  const addr = { family: 2, addr4: "10.0.0.1" };
  raw.execute(OPS["add-addr"], { addr });
  raw.spoil = (request) => request.length(24, 5);
  assertRefused(
    () => raw.execute(OPS["flush-addrs"], { addr }),
    "flush-addrs ERANGE",
    {
      message: "Attribute failed policy validation",
      attribute: ".addr.family",
    },
  );
  raw.spoil = () => {};
  assertEquals(raw.dump(OPS["get-addr"], {}).length, 1);
  raw.execute(OPS["flush-addrs"], { addr });
  assertEquals(raw.dump(OPS["get-addr"], {}), []);
});
