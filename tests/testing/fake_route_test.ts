/** What only a broken program asks; tests/live/routes_test.ts has the rest. */
import { assertEquals, assertThrows } from "@std/assert";
import { MESSAGES, NETLINK_ROUTE } from "../../codec/rtnetlink.gen.ts";
import { Diag } from "../../diag/mod.ts";
import { NetlinkError, PathManager } from "../../mod.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";
import {
  attr,
  type Bytes,
  message,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  u32,
} from "../helpers/netlink_bytes.ts";

/** A host with an uplink on eth0, and another on eth1 for one source. */
function host() {
  const kernel = new FakeKernel();
  const interfaces = kernel.interfaces = new FakeInterfaces();
  interfaces.addresses.push(
    { address: "10.0.1.1", dev: "eth0" },
    { address: "10.0.2.1", dev: "eth1" },
    { address: "fd00::1", dev: "eth1", flags: ["tentative"] },
    { address: "10.9.9.9", dev: "gone" },
  );
  interfaces.routes.push(
    { to: "default", via: "10.0.1.254", dev: "eth0" },
    { to: "default", via: "10.0.2.254", dev: "eth1", from: "10.0.2.1" },
    { to: "2001:db8::/32", dev: "gone" },
  );
  return { kernel, interfaces, diag: Diag.open({ namespace: kernel }) };
}

Deno.test("`FakeInterfaces` is what `Diag` sees, from one moment to the next", () => {
  const { diag, interfaces, kernel } = host();
  const source = "10.0.2.1";
  const route = () => {
    const found = diag.route("192.0.2.1", { source });
    return found.found ? [found.dev, found.gateway, found.table] : found.reason;
  };
  assertEquals(route(), ["eth1", "10.0.2.254", 1]);
  interfaces.links.set("eth1", { flags: ["broadcast"] });
  assertEquals(route(), ["eth0", "10.0.1.254", 254]);
  assertEquals(diag.links().map(({ usable }) => usable), [
    ...[false, true, false, true],
  ]);
  kernel.devices.delete("eth0");
  assertEquals(route(), "no-route");
  assertEquals(diag.addresses().map(({ address }) => address), [
    ...["10.0.2.1", "fd00::1"],
  ]);
  assertEquals(diag.route("192.0.2.1", { source: "10.9.9.9" }), {
    found: false,
    reason: "no-source",
  });
});

Deno.test("`PathManager` hints at what `FakeInterfaces` has", () => {
  const { kernel } = host();
  const hints: string[] = [];
  using pm = PathManager.open({
    namespace: kernel,
    onWarning: ({ message }) => hints.push(message),
  });
  pm.addAddr({ address: "10.0.2.1", dev: "eth0", flags: ["subflow"] });
  assertEquals(hints, ["10.0.2.1 is on eth1, not on eth0"]);
});

Deno.test("`FakeKernel` tells nothing of a network that no test described", () => {
  using diag = Diag.open({ namespace: new FakeKernel() });
  for (const ask of ["links", "addresses", "rules", "neighbours"] as const) {
    const error = assertThrows(() => diag[ask](), NetlinkError);
    assertEquals(error.code, "EOPNOTSUPP");
  }
});

Deno.test("`FakeInterfaces` refuses requests that are malformed or unknown", () => {
  const { kernel } = host();
  const transport = kernel.open(NETLINK_ROUTE);
  const { type } = MESSAGES.getroute;
  const ipv4 = Uint8Array.of(2, ...new Uint8Array(11));
  const rows: [type: number, flags: number, body: Bytes[], errno: number][] = [
    [type, 0, [ipv4.slice(0, 11)], 22],
    [type, 0, [ipv4], 22],
    [type, 0, [ipv4, attr(1, u32(1).slice(1))], 22],
    [type, 0, [ipv4, attr(1, u32(1)), attr(2, new Uint8Array(16))], 22],
    [type, 0, [ipv4, Uint8Array.of(3, 0, 1, 0)], 22],
    [MESSAGES.getlink.type, 0, [new Uint8Array(16)], 95],
    [16, NLM_F_DUMP, [new Uint8Array(16)], 95],
  ];
  for (const [type, flags, body, errno] of rows) {
    transport.send(message(type, NLM_F_REQUEST | flags, 1, ...body));
    const answer = new DataView(transport.receive()!.slice().buffer);
    assertEquals(answer.getInt32(16, true), -errno);
  }
});
