import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkError } from "../../netlink/errors.ts";
import { ForwardingNamespace } from "../../netlink/forwarding.ts";
import type { Warning } from "../../netlink/genl.ts";
import { hostAddresses } from "../../ops/host_addresses.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import lines from "../golden/rtnetlink.jsonl" with { type: "text" };

const TOKEN = 5;

/** 127.0.0.1 and ::1; 10.0.1.1 and fd00:1::1 on c1; 10.0.2.1, fd00:2::1 on c2. */
const HOST: { readonly request: string; readonly datagrams: string[] } = JSON
  .parse(lines.split("\n")[1]!);

/** A kernel of that host; it may have one device, or show no addresses. */
function host(
  { isHidden = false, lastIndex = 3 }: {
    readonly isHidden?: boolean;
    readonly lastIndex?: number;
  } = {},
) {
  const kernel = new FakeKernel();
  kernel.connect(TOKEN);
  kernel.devices.clear();
  kernel.devices.set("lo", 1).set("c1", 2).set("c2", 3).set("c3", 4);
  const asked: string[] = [];
  const route = new FakeNamespace((request) => {
    asked.push(request.toHex());
    return HOST.datagrams.map((hex) => {
      const bytes = Uint8Array.fromHex(hex);
      for (let at = 0; at < bytes.length;) {
        bytes.set(request.subarray(8, 12), at + 8);
        // Another device's address becomes one of c1.
        if (bytes[at + 4] === 20 && bytes[at + 20]! > lastIndex) {
          bytes[at + 20] = 2;
        }
        at += bytes[at]!;
      }
      return bytes;
    });
  });
  const namespace = Object.assign(new ForwardingNamespace(kernel), {
    open: (protocol: number) =>
      protocol === 0 && !isHidden ? route.open(0) : kernel.open(protocol),
  });
  const hints: Warning[] = [];
  const pm = PathManager.open({
    namespace,
    onWarning: (warning) => hints.push(warning),
  });
  return { pm, kernel, hints, asked, namespace };
}

Deno.test("the addresses of the host are asked for, and read, as captured", () => {
  const { namespace, asked } = host();
  assertEquals(
    hostAddresses(namespace).map(({ bytes, ifIndex, scope }) =>
      `${bytes.toHex()} ${ifIndex} ${scope}`
    ),
    [
      "7f000001 1 254",
      "0a000101 2 0",
      "0a000201 3 0",
      "00000000000000000000000000000001 1 254",
      "fd000001000000000000000000000001 2 0",
      "fe8000000000000068fdd4fffe35fc44 2 253",
      "fd000002000000000000000000000001 3 0",
      "fe8000000000000024b5c2fffe9dd285 3 253",
    ],
  );
  assertEquals(asked, [HOST.request.replace(/^(.{16}).{8}/, "$101000000")]);
});

type Added = Parameters<PathManager["addAddr"]>[0];

const NOTHING = (address: string) =>
  `${address} has neither subflow nor signal: no path is made with it`;
const LOOPBACK = (address: string) =>
  `${address} is a loopback address: no other host reaches it`;
const ABSENT = (address: string) =>
  `${address} is not on this host: no subflow can start from it`;
const OF_NO_HOST = (address: string) =>
  `${address} is the address of no host: subflows start where the route ` +
  "leads, mostly from the address of the initial one";
const ROUTES = (dev: string) =>
  "without dev, subflows leave where the routes lead, which may be one " +
  `device for all: dev ${dev} binds them`;
const MAPPED = (address: string) =>
  `::ffff:${address} is announced as an IPv6 address, which a peer with IPv4 ` +
  `sockets cannot use: ${address} is for all`;

const ROWS: readonly (readonly [Added, string | undefined])[] = [
  [{ address: "10.0.1.1", dev: "c1", flags: ["subflow"] }, undefined],
  [{ address: "fd00:1::1", dev: "c1", flags: ["subflow"] }, undefined],
  [{ address: "10.0.1.1", flags: ["signal"] }, undefined],
  [{ address: "10.0.2.1", dev: "c2", flags: ["laminar"] }, undefined],
  [{ address: "10.0.1.1" }, NOTHING("10.0.1.1")],
  [{ address: "10.0.1.1", flags: ["backup"] }, NOTHING("10.0.1.1")],
  [{ address: "10.0.1.1", flags: ["fullmesh"] }, NOTHING("10.0.1.1")],
  [{ address: "10.0.1.1", flags: ["subflow"] }, ROUTES("c1")],
  [{ address: "fd00:2::1", flags: ["subflow", "fullmesh"] }, ROUTES("c2")],
  [{ address: "::ffff:10.0.2.1", flags: ["subflow"] }, ROUTES("c2")],
  [
    { address: "10.0.2.1", dev: "c1", flags: ["subflow"] },
    "10.0.2.1 is on c2, not on c1",
  ],
  [
    { address: "fd00:1::1", dev: "c3", flags: ["signal"] },
    "fd00:1::1 is on c1, not on c3",
  ],
  [
    { address: "10.0.1.1", dev: 40, flags: ["subflow"] },
    "no device has index 40: no subflow can start from it",
  ],
  [{ address: "10.0.9.1", dev: "c1", flags: ["subflow"] }, ABSENT("10.0.9.1")],
  ...["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::ffff:0.0.0.0"].map((
    address,
  ) => [{ address, flags: ["subflow"] }, OF_NO_HOST(address)] as const),
  [
    { address: "fe80::1", flags: ["subflow"] },
    "fe80::1 is a link-local address: no subflow can start from it without dev",
  ],
  [{ address: "ff02::1", flags: ["subflow"] }, ABSENT("ff02::1")],
  [
    { address: "0.0.0.0", flags: ["signal"] },
    "0.0.0.0 is the address of no host: no peer reaches this one by it",
  ],
  [{ address: "fd00:9::1", flags: ["subflow"] }, ABSENT("fd00:9::1")],
  [
    { address: "192.0.2.1", flags: ["signal"] },
    "192.0.2.1 is not on this host; right behind NAT only",
  ],
  [{ address: "127.0.0.1", flags: ["subflow"] }, LOOPBACK("127.0.0.1")],
  [
    { address: "::ffff:127.9.9.9", flags: ["subflow"] },
    LOOPBACK("::ffff:127.9.9.9"),
  ],
  [{ address: "::1", flags: ["signal"] }, LOOPBACK("::1")],
  [{ address: "::ffff:10.0.2.1", flags: ["signal"] }, MAPPED("10.0.2.1")],
  [
    { address: "0:0:0:0:0:FFFF:a00:201", flags: ["signal", "subflow"] },
    MAPPED("10.0.2.1"),
  ],
];

for (const [options, message] of ROWS) {
  Deno.test(`\`addAddr(${Deno.inspect(options)})\` hints: ${message ?? "nothing"}`, () => {
    const { pm, hints } = host();
    const { address } = pm.addAddr(options);
    const hint = { op: "add-addr", message: message!, isHint: true } as const;
    assertEquals(hints, message === undefined ? [] : [hint]);
    assertEquals(pm.dumpAddrs().map((one) => one.address), [address]);
  });
}

Deno.test("`addAddr()` does not ask for a device on a host that has one uplink", () => {
  const { pm, hints } = host({ lastIndex: 2 });
  pm.addAddr({ address: "10.0.1.1", flags: ["subflow"] });
  assertEquals(hints, []);
});

Deno.test("hints speak of limits that are 0", () => {
  const message = "the limit of subflows is 0: no connection gets a second one";
  const { pm, hints } = host();
  pm.setLimits({ subflows: 1, addAddrAccepted: 0 });
  assertEquals(hints, []);
  pm.setLimits({ subflows: 0 });
  pm.setLimits({ addAddrAccepted: 1 });
  pm.addAddr({ address: "10.0.1.1", dev: "c1", flags: ["subflow"] });
  pm.addAddr({ address: "10.0.2.1", dev: "c2", flags: ["signal"] });
  assertEquals(hints, [
    { op: "set-limits", message, isHint: true },
    { op: "add-addr", message, isHint: true },
  ]);
});

Deno.test("`announce()` hints at IPv4-mapped addresses", () => {
  const { pm, hints } = host();
  pm.announce({ token: TOKEN, address: "10.0.1.1", id: 1 });
  pm.announce({ token: TOKEN, address: "::ffff:10.0.2.1", id: 2 });
  assertEquals(hints.map(({ message }) => message), [MAPPED("10.0.2.1")]);
});

Deno.test("without `onWarning` nothing is asked for hints", () => {
  const { namespace, kernel, asked } = host();
  using pm = PathManager.open({ namespace });
  kernel.sent.length = 0;
  pm.addAddr({ address: "10.0.1.1", flags: ["subflow"] });
  pm.setLimits({ subflows: 0 });
  assertEquals(kernel.sent.map((request) => request[16]), [1, 3, 5]);
  assertEquals(asked, []);
});

Deno.test("a command is done although there is no hint to be had", () => {
  const { pm, hints, namespace } = host({ isHidden: true });
  assertThrows(() => hostAddresses(namespace), NetlinkError, "EOPNOTSUPP");
  const address = "10.0.9.1";
  assertEquals(pm.addAddr({ address, flags: ["subflow"] }).address, address);
  assertEquals(hints, []);
});
