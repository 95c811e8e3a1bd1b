import { assertEquals, assertThrows } from "@std/assert";
import type { Endpoint } from "../../ops/endpoint.ts";
import {
  NetlinkError,
  NotFoundError,
  ProtocolError,
} from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import { attr, message } from "../helpers/netlink_bytes.ts";

const TOKEN = 0xfffffffe;

function open(): { pm: PathManager; kernel: FakeKernel } {
  const kernel = new FakeKernel();
  kernel.connect(TOKEN);
  return { pm: PathManager.open({ namespace: kernel }), kernel };
}

/** A path manager whose kernel has one endpoint, of these attributes. */
function withNest(...attrs: Uint8Array[]): PathManager {
  const { pm, kernel } = open();
  kernel.devices.set("no device", -1);
  kernel.distort = (_, request) => [
    message(
      FAMILY,
      0,
      request[8]!,
      Uint8Array.of(3, 1, 0, 0),
      attr(0x8001, ...attrs),
    ),
  ];
  return pm;
}

const family4 = attr(1, Uint8Array.of(2, 0));
const family6 = attr(1, Uint8Array.of(10, 0));
const addr4 = attr(3, Uint8Array.of(10, 0, 0, 1));
const addr6 = attr(4, new Uint8Array(16).fill(1, 15));
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

const bare: Endpoint = {
  address: "10.0.0.1",
  port: 0,
  id: 0,
  flags: [],
  ifIndex: 0,
};

Deno.test("`getAddr()` and `dumpAddrs()` return the endpoints of the namespace", () => {
  const { pm } = open();
  const added = [
    pm.addAddr({ address: "10.0.0.2", id: 9, dev: "eth2" }),
    pm.addAddr({ address: "fd00::1", id: 3, flags: ["backup"] }),
  ];
  assertEquals(pm.getAddr({ id: 9 }), added[0]);
  assertEquals(pm.dumpAddrs(), [added[1], added[0]]);
});

Deno.test("`getAddr()` and `dumpAddrs()` return the addresses of a connection", () => {
  const { pm } = open();
  pm.addAddr({ address: "10.0.0.9", id: 5 });
  pm.announce({ token: TOKEN, address: "10.0.0.2", id: 5, port: 80 });
  pm.subflowCreate({
    token: TOKEN,
    local: { address: "10.0.0.1" },
    remote: { address: "10.0.0.99", port: 443 },
    backup: true,
  });
  const announced = { ...bare, address: "10.0.0.2", id: 5, port: 80 };
  assertEquals(pm.dumpAddrs({ token: TOKEN }), [
    { ...announced, flags: ["signal"] },
    { ...bare, flags: ["subflow", "backup"] },
  ]);
  assertEquals(pm.getAddr({ id: 0, token: TOKEN }).address, "10.0.0.1");
  assertEquals(pm.getAddr({ id: 5, token: TOKEN }).address, "10.0.0.2");
});

Deno.test("`getAddr()` and `dumpAddrs()` throw what the kernel says", () => {
  const { pm } = open();
  const rows: [() => unknown, string][] = [
    [
      () => pm.getAddr({ id: 5, token: TOKEN }),
      'Cannot get address: address not found (EINVAL at ".addr")',
    ],
    [
      () => pm.dumpAddrs({ token: 7 }),
      'Cannot get address: invalid token (EINVAL at ".token")',
    ],
  ];
  for (const [call, message] of rows) {
    const { hint, message: all } = assertThrows(call, NetlinkError);
    assertEquals(
      all,
      hint === undefined ? message : `${message}\nhint: ${hint}`,
    );
  }
});

Deno.test("`getAddr()` says that no endpoint has the id", () => {
  const { pm } = open();
  const error = assertThrows(() => pm.getAddr({ id: 5 }), NotFoundError);
  assertEquals([error.what, error.message], [
    "endpoint",
    "Cannot get address: no endpoint has id 5",
  ]);
});

Deno.test("`getAddr()` reads endpoints of other kernels than this", () => {
  const rows: [Uint8Array[], Endpoint][] = [
    [[family4, addr4], bare],
    [[family6, addr6], { ...bare, address: "::1" }],
    // The other address is not the one.
    [[family6, addr4, addr6], { ...bare, address: "::1" }],
    [[family4, addr6, addr4], bare],
    [[family4, addr4, attr(6, u32(0x800001c1))], {
      ...bare,
      flags: ["signal", "0x800001c0"],
    }],
    [[family4, addr4, attr(6, u32(0x3f))], {
      ...bare,
      flags: [
        "signal",
        "subflow",
        "backup",
        "fullmesh",
        "implicit",
        "laminar",
      ],
    }],
    [[family4, addr4, attr(7, u32(-1 >>> 0))], { ...bare, ifIndex: -1 }],
    [[family4, addr4, attr(7, u32(4))], { ...bare, ifIndex: 4, dev: "eth2" }],
    // The device is gone.
    [[family4, addr4, attr(7, u32(999))], { ...bare, ifIndex: 999 }],
    [[family4, addr4, attr(99, u32(1))], bare],
  ];
  for (const [attrs, endpoint] of rows) {
    assertEquals(withNest(...attrs).getAddr({ id: 1 }), endpoint);
  }
});

Deno.test("`getAddr()` refuses endpoints without address", () => {
  const rows = [
    [],
    [family4],
    [addr4],
    [family6, addr4],
    [family4, addr6],
    [attr(1, Uint8Array.of(9, 0)), addr4],
  ];
  for (const attrs of rows) {
    const error = assertThrows(
      () => withNest(...attrs).getAddr({ id: 1 }),
      ProtocolError,
    );
    assertEquals(
      error.message,
      "Cannot get address: the kernel sent an endpoint without address",
    );
  }
  const { pm, kernel } = open();
  kernel.distort = (_, request) => [
    message(FAMILY, 0, request[8]!, Uint8Array.of(3, 1, 0, 0)),
  ];
  assertThrows(() => pm.getAddr({ id: 1 }), ProtocolError);
});

Deno.test("`dumpAddrs()` returns copies", () => {
  const { pm } = open();
  pm.addAddr({ address: "10.0.0.1", flags: ["subflow"] });
  const first = pm.dumpAddrs();
  pm.addAddr({ address: "10.0.0.2" });
  pm.dumpAddrs();
  assertEquals(first, [{ ...bare, id: 1, flags: ["subflow"] }]);
});
