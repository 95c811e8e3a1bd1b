import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeGetFamily } from "../../codec/mod.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  FamilyNotFoundError,
  PathManager,
  ProtocolError,
  SyscallError,
} from "../../mod.ts";
import { Connection } from "../../ops/connection.ts";
import { eventsGroup, EventTap } from "../helpers/event_tap.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawConnection } from "../helpers/raw_connection.ts";

liveTest("`join()` brings the events of the namespace", () => {
  using lab = Lab.open({ paths: 1 });
  const { client, server } = lab;
  using events = EventTap.open(client.netns);
  using pm = PathManager.open({ netns: client.netns });
  using other = PathManager.open({ netns: server.netns });
  const flags = ["signal"] as const;
  other.addAddr({ address: server.address(1), port: 10100, flags });
  pm.addAddr({ address: client.address(1), port: 10101, flags });
  pm.flushAddrs();
  pm.addAddr({ address: client.address6(1), port: 10102, flags });
  assertEquals(events.take("listener-created"), {
    type: "listener-created",
    family: 2,
    sport: 10101,
    saddr4: client.address(1),
  });
  assertEquals(events.take("listener-closed"), {
    type: "listener-closed",
    family: 2,
    sport: 10101,
    saddr4: client.address(1),
  });
  assertEquals(events.take("listener-created"), {
    type: "listener-created",
    family: 10,
    sport: 10102,
    saddr6: client.address6(1),
  });
});

liveTest("`join()` works on a socket that has sent before", () => {
  using lab = Lab.open({ paths: 0 });
  const group = eventsGroup();
  using socket = NetlinkSocket.open(lab.client.netns);
  socket.send(encodeGetFamily("mptcp_pm", 1));
  socket.join(group);
});

liveTest("`join()` says that there is no such group", () => {
  using lab = Lab.open({ paths: 0 });
  using socket = NetlinkSocket.open(lab.client.netns);
  const error = assertThrows(() => socket.join(1_000_000), SyscallError);
  assertEquals([error.syscall, error.code], ["setsockopt", "EINVAL"]);
});

liveTest("`setReceiveBuffer()` decides how many events are kept", () => {
  using lab = Lab.open();
  const { netns } = lab.client;
  using small = NetlinkSocket.open(netns);
  using large = NetlinkSocket.open(netns);
  const group = eventsGroup();
  small.setReceiveBuffer(4096);
  large.setReceiveBuffer(8 << 20);
  for (const socket of [small, large]) socket.join(group);
  using pm = PathManager.open({ netns });
  for (let round = 0; round < 50; round++) {
    const address = lab.client.address(1);
    pm.addAddr({ address, port: 10100, flags: ["signal"] });
    pm.delAddr({ address });
  }
  const count = (socket: NetlinkSocket) => {
    let events = 0;
    while (socket.receive() !== undefined) events++;
    return events;
  };
  assertEquals(count(large), 100);
  // The loss is reported once; what was kept follows.
  const error = assertThrows(() => small.receive(), SyscallError);
  assertEquals([error.syscall, error.code], ["recvfrom", "ENOBUFS"]);
  const kept = count(small);
  assert(kept > 0 && kept < 100, `${kept} of 100 events were kept`);
});

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
