import { assert, assertEquals, assertThrows } from "@std/assert";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { encodeGetFamily } from "../../codec/mod.ts";
import { NotFoundError, openNamespace, ProtocolError } from "../../mod.ts";
import { GenlClient, NETLINK_GENERIC } from "../../netlink/genl.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient } from "../helpers/raw_client.ts";

liveTest(
  "`wait()` returns after the timeout or when a datagram is there",
  () => {
    using lab = Lab.open({ paths: 0 });
    using namespace = openNamespace(lab.client.netns);
    using socket = namespace.open(NETLINK_GENERIC);
    assertEquals(socket.wait(0), false);
    const start = performance.now();
    assertEquals(socket.wait(20), false);
    assert(performance.now() - start >= 20);
    socket.send(encodeGetFamily("mptcp_pm", 1));
    assertEquals(socket.wait(20_000), true);
    assert(socket.receive() !== undefined);
    assertEquals(socket.receive(), undefined);
  },
);

liveTest(
  "a family that the kernel does not have is a `NotFoundError`",
  () => {
    using namespace = openNamespace();
    const family = {
      name: "no_such_family",
      version: 1,
      absent: "no such family",
      action: () => "look it up",
      hint: () => undefined,
    };
    assertThrows(
      () => new GenlClient(namespace, family, () => {}),
      NotFoundError,
      "no such family",
    );
  },
);

liveTest("a request that the kernel does not answer times out", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  // Without length: the kernel drops it.
  raw.spoil = (request) => request.bytes.fill(0, 0, 4);
  assertThrows(
    () => raw.get(OPS["get-limits"], {}),
    ProtocolError,
    "Cannot get limits: the kernel did not answer within 1000 ms",
  );
  raw.spoil = () => {};
  assertEquals(raw.get(OPS["get-limits"], {}), { rcvAddAddrs: 0, subflows: 2 });
});
