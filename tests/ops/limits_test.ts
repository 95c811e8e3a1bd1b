import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkError, ProtocolError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import { attr, message } from "../helpers/netlink_bytes.ts";

Deno.test("`setLimits()` leaves the limit that is not given", () => {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  const fresh = pm.getLimits();
  assertEquals(fresh, { subflows: 2, addAddrAccepted: 0 });
  pm.setLimits({ subflows: 8 });
  assertEquals(pm.getLimits(), { subflows: 8, addAddrAccepted: 0 });
  pm.setLimits({ addAddrAccepted: 3 });
  assertEquals(pm.getLimits(), { subflows: 8, addAddrAccepted: 3 });
  pm.setLimits({ subflows: 0, addAddrAccepted: 0 });
  assertEquals(pm.getLimits(), { subflows: 0, addAddrAccepted: 0 });
  pm.setLimits(fresh);
  assertEquals(pm.getLimits(), fresh);
});

Deno.test("`setLimits()` sets neither of two if one is refused, and says which", () => {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  const rows: [Parameters<PathManager["setLimits"]>[0], string][] = [
    [{ subflows: 9, addAddrAccepted: 1 }, ".subflows"],
    [{ subflows: 1, addAddrAccepted: 4294967295 }, ".rcv-add-addrs"],
  ];
  for (const [limits, attribute] of rows) {
    const error = assertThrows(() => pm.setLimits(limits), NetlinkError);
    assertEquals(
      error.message,
      `Cannot set limits: limit greater than maximum (8) (EINVAL at "${attribute}")`,
    );
    assertEquals(pm.getLimits(), { subflows: 2, addAddrAccepted: 0 });
  }
});

Deno.test("`getLimits()` refuses a reply with only one of them", () => {
  for (const type of [2, 3]) {
    const kernel = new FakeKernel();
    using pm = PathManager.open({ namespace: kernel });
    kernel.distort = (_, request) => [
      message(
        FAMILY,
        0,
        request[8]!,
        Uint8Array.of(6, 1, 0, 0),
        attr(type, new Uint8Array(4)),
      ),
    ];
    const error = assertThrows(() => pm.getLimits(), ProtocolError);
    assertEquals(
      error.message,
      "Cannot get limits: the kernel sent only a part",
    );
  }
});
