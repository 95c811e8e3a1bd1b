import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeGetFamily } from "../../codec/mod.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import { FamilyNotFoundError, ProtocolError } from "../../mod.ts";
import { Connection } from "../../ops/connection.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawConnection } from "../helpers/raw_connection.ts";

liveTest("`wait()` ends with the time or with a datagram", () => {
  using lab = Lab.open({ paths: 0 });
  using socket = NetlinkSocket.open(lab.client.netns);
  assertEquals(socket.wait(0), false);
  const start = performance.now();
  assertEquals(socket.wait(20), false);
  assert(performance.now() - start >= 20);
  socket.send(encodeGetFamily("mptcp_pm", 1));
  assertEquals(socket.wait(1000), true);
  assert(socket.receive() !== undefined);
  assertEquals(socket.receive(), undefined);
});

liveTest(
  "a family that the kernel does not have is an error of its own",
  () => {
    using socket = NetlinkSocket.open();
    assertThrows(
      () => new Connection(socket, () => {}, "no_such_family"),
      FamilyNotFoundError,
      'Cannot find the netlink family "no_such_family"',
    );
  },
);

liveTest("a request that the kernel does not answer ends with the time", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawConnection.open(lab.client.netns);
  // Without length: the kernel drops it.
  raw.spoil = (request) => request.bytes.fill(0, 0, 4);
  assertThrows(
    () => raw.get("get-limits", {}),
    ProtocolError,
    "Cannot get limits: the kernel did not answer within 1000 ms",
  );
  raw.spoil = () => {};
  assertEquals(raw.get("get-limits", {}), { rcvAddAddrs: 0, subflows: 2 });
});
