import { assertEquals, assertThrows } from "@std/assert";
import { listing } from "../../../cli/objects/listing.ts";
import { Diag } from "../../../diag/mod.ts";
import { FakeKernel } from "../../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../../testing/fake_route.ts";

Deno.test("`listing()` goes on while the device is gone, and refuses one that never was", () => {
  const kernel = new FakeKernel();
  kernel.interfaces = new FakeInterfaces();
  using diag = Diag.open({ namespace: kernel });
  const unknown = listing(diag, { dev: "eth7" });
  assertThrows(() => unknown(), RangeError, 'Unknown device "eth7"');

  kernel.devices.set("eth7", 7);
  kernel.connect(1).openSubflow({ ifIndex: 7 });
  kernel.connect(2);
  const list = listing(diag, { dev: "eth7" });
  const tokens = () => list().map(({ token }) => token);
  assertEquals(tokens(), [1]);
  kernel.devices.delete("eth7");
  assertEquals(tokens(), []);
  assertEquals(list({ token: 1 }), []);
  kernel.devices.set("eth7", 7);
  assertEquals(tokens(), [1]);
  assertEquals(list({ token: 2 }), []);
});
