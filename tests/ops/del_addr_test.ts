import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { NetlinkError, NotFoundError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { meanwhile } from "../helpers/meanwhile.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";

const GET_ADDR = 3;

type Selector = Parameters<PathManager["delAddr"]>[0];

/** Endpoints 1 to 6. */
function open(): { pm: PathManager; kernel: FakeKernel } {
  const kernel = new FakeKernel();
  const pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.0.1", dev: "eth1" });
  pm.addAddr({ address: "10.0.0.1", port: 80, flags: ["signal"] });
  pm.addAddr({ address: "10.0.0.1", port: 81, flags: ["signal"] });
  pm.addAddr({ address: "fd00::1", dev: "eth2" });
  pm.addAddr({ address: "10.0.0.5", dev: "eth1" });
  pm.addAddr({ address: "10.0.0.6" });
  kernel.sent.length = 0;
  return { pm, kernel };
}

const ids = (endpoints: readonly { id: number }[]) =>
  endpoints.map(({ id }) => id).toSorted();

const rows: readonly (readonly [Selector, number[]])[] = [
  [{ id: 6 }, [6]],
  [{ id: 4, address: "FD00:0::1" }, [4]],
  [{ id: 1, address: "::ffff:10.0.0.1" }, [1]],
  [{ address: "10.0.0.5" }, [5]],
  [{ address: "10.0.0.1" }, [1, 2, 3]],
  [{ address: "::ffff:a00:1" }, [1, 2, 3]],
  [{ address: "10.0.0.1", port: 81 }, [3]],
  [{ address: "10.0.0.1", port: 0 }, [1]],
  [{ dev: "eth1" }, [1, 5]],
  [{ dev: 4 }, [4]],
  [{ dev: "eth1", address: "10.0.0.5" }, [5]],
  [{ dev: "eth1", id: 1, address: "10.0.0.1", port: 0 }, [1]],
  [{ id: 2, port: 80 }, [2]],
];

for (const [selector, deleted] of rows) {
  Deno.test(`\`delAddr(${Deno.inspect(selector)})\` deletes ${deleted.join(", ")}`, () => {
    const { pm, kernel } = open();
    const before = pm.dumpAddrs();
    const result = pm.delAddr(selector);
    assertEquals(result, before.filter(({ id }) => deleted.includes(id)));
    assertEquals(
      ids(kernel.endpoints()),
      [1, 2, 3, 4, 5, 6].filter((id) => !deleted.includes(id)),
    );
  });
}

Deno.test("`delAddr()` never sends an address without an id, which would delete nothing", () => {
  for (const [selector] of rows) {
    const { pm, kernel } = open();
    pm.delAddr(selector);
    const requests = kernel.sent.filter((request) => request[16] === 2);
    // The nest has an id and nothing else.
    for (const request of requests) assertEquals(request.length, 32);
    assertEquals(requests.length > 0, true);
  }
});

Deno.test("`delAddr()` says what is not there", () => {
  const rows: [Selector, string][] = [
    [{ id: 99 }, "no endpoint has id 99"],
    [{ id: 99, address: "10.0.0.1" }, "no endpoint has id 99"],
    [{ address: "10.0.0.9" }, "no endpoint is 10.0.0.9"],
    [{ address: "10.0.0.1", port: 82 }, "no endpoint is 10.0.0.1 port 82"],
    [{ dev: "eth0" }, "no endpoint is dev eth0"],
    [{ dev: 1 }, "no endpoint is dev 1"],
    [{ dev: 40 }, "no endpoint is dev 40"],
    [{ dev: "if40" }, "no endpoint is dev if40"],
    [{ dev: "usb0" }, 'there is no device "usb0"'],
    [
      { dev: "usb0", id: 5 },
      "endpoint 5 is 10.0.0.5, not dev usb0",
    ],
    [
      { address: "10.0.0.6", dev: "eth1" },
      "no endpoint is 10.0.0.6 dev eth1",
    ],
    [
      { id: 5, address: "10.0.0.6" },
      "endpoint 5 is 10.0.0.5, not 10.0.0.6",
    ],
    [{ id: 5, port: 80 }, "endpoint 5 is 10.0.0.5, not port 80"],
  ];
  for (const [selector, what] of rows) {
    const { pm, kernel } = open();
    const error = assertThrows(
      () => pm.delAddr(selector),
      NotFoundError,
    );
    assertEquals(error.message, `Cannot delete address: ${what}`);
    assertEquals(error.what, "endpoint");
    assertEquals(kernel.endpoints().length, 6);
  }
});

Deno.test("`delAddr()` says that the port is what does not fit", () => {
  const { pm } = open();
  pm.delAddr({ id: 1 });
  for (
    const selector of [{ address: "10.0.0.1", port: 0 }, { id: 2, port: 0 }]
  ) {
    const { message } = assertThrows(
      () => pm.delAddr(selector),
      NotFoundError,
    );
    assertMatch(message, /port/);
  }
});

Deno.test("`delAddr()` deletes by the index of a device that is gone, and names it", () => {
  for (const dev of [3, "if3"]) {
    const { pm, kernel } = open();
    kernel.devices.delete("eth1");
    const { message } = assertThrows(
      () => pm.delAddr({ dev: "eth1" }),
      NotFoundError,
    );
    assertEquals(
      message,
      'Cannot delete address: there is no device "eth1"; endpoints of ' +
        "devices that are gone: id 1 (dev if3), id 5 (dev if3)",
    );
    assertEquals(ids(pm.delAddr({ dev })), [1, 5]);
    assertEquals(ids(kernel.endpoints()), [2, 3, 4, 6]);
  }
});

Deno.test("`delAddr()` goes on when another program deletes one of several", () => {
  const several: [Selector, number[]][] = [
    [{ dev: "eth1" }, [1, 5]],
    [{ address: "10.0.0.1" }, [1, 2, 3]],
    [{ address: "fd00::1" }, [4]],
  ];
  for (const [selector, all] of several) {
    for (const faster of all) {
      const { pm, kernel } = open();
      kernel.distort = (answer, request) => {
        if (request[16] === GET_ADDR) {
          meanwhile(kernel, (pm) => pm.delAddr({ id: faster }));
        }
        return answer;
      };
      assertEquals(
        ids(pm.delAddr(selector)),
        all.filter((id) => id !== faster),
      );
      assertEquals(kernel.endpoints().length, 6 - all.length);
    }
  }
});

Deno.test("`delAddr()` stops at a refusal that is none of that", () => {
  const { pm, kernel } = open();
  kernel.privileged = false;
  const error = assertThrows(() => pm.delAddr({ dev: "eth1" }), NetlinkError);
  assertEquals(error.code, "EPERM");
});

Deno.test("`delAddr()` passes on what the kernel says of an endpoint that is gone meanwhile", () => {
  const { pm, kernel } = open();
  kernel.distort = (answer, request) => {
    if (request[16] === GET_ADDR) meanwhile(kernel, (pm) => pm.flushAddrs());
    return answer;
  };
  const error = assertThrows(() => pm.delAddr({ id: 5 }), NetlinkError);
  assertEquals(
    error.message,
    'Cannot delete address: address not found (EINVAL at ".addr")',
  );
});

Deno.test("`closeInitialSubflows()` leaves the table alone", () => {
  const { pm, kernel } = open();
  pm.closeInitialSubflows({ address: "10.0.0.1" });
  pm.closeInitialSubflows({ address: "10.0.0.1", port: 80 });
  pm.closeInitialSubflows({ address: "::ffff:10.0.0.1", port: 0 });
  assertEquals(kernel.endpoints().length, 6);
  // Family, id, address, and the port that was given.
  assertEquals(
    kernel.sent.map((request) => request.subarray(20).toHex()),
    [
      "1c000180" + "0600010002000000" + "0500020000000000" +
      "080003000a000001",
      "24000180" + "0600010002000000" + "0500020000000000" +
      "080003000a000001" + "0600050050000000",
      "28000180" + "060001000a000000" + "0500020000000000" +
      "14000400" + "00000000000000000000ffff0a000001",
    ],
  );
});

Deno.test("`flushAddrs()` deletes all endpoints and leaves the limits", () => {
  const { pm, kernel } = open();
  pm.setLimits({ subflows: 7 });
  pm.flushAddrs();
  assertEquals(kernel.endpoints(), []);
  assertEquals(pm.dumpAddrs(), []);
  assertEquals(pm.getLimits().subflows, 7);
});
