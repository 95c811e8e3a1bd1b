import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkError, PathManager } from "../../mod.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { modeOf } from "../helpers/proc.ts";

liveTest("`setMode()` sets the mode of its namespace alone", () => {
  using lab = Lab.open({ paths: 0 });
  using root = PathManager.open();
  const before = root.getMode();
  using pm = PathManager.open({ netns: lab.client.netns });
  using other = PathManager.open({ netns: lab.server.netns });
  for (const mode of ["userspace", "kernel", "userspace"] as const) {
    pm.setMode(mode);
    assertEquals(pm.getMode(), mode);
    assertEquals(modeOf(lab.client), mode);
    assertEquals(other.getMode(), "kernel");
    assertEquals(root.getMode(), before);
  }
  assertEquals(modeOf(lab.server), "kernel");
});

liveTest("`using` restores the former mode", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  {
    using _former = pm.setMode("userspace");
    assertEquals(modeOf(lab.client), "userspace");
    {
      using _same = pm.setMode("userspace");
    }
    assertEquals(modeOf(lab.client), "userspace");
  }
  assertEquals(modeOf(lab.client), "kernel");
  assertThrows(() => {
    using _former = pm.setMode("userspace");
    throw new SyntaxError("what went wrong meanwhile");
  }, SyntaxError);
  assertEquals(modeOf(lab.client), "kernel");
});

liveTest("`getMode()` sees what `sysctl` sets", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  for (const type of [1, 0]) {
    lab.client.sysctl("net.mptcp.pm_type", type);
    assertEquals(pm.getMode(), ["kernel", "userspace"][type]);
  }
});

liveTest("an unknown mode is refused, and nothing changes", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  pm.setMode("userspace");
  for (const mode of ["", "Kernel", "kernel ", "kernel\nuserspace", "magic"]) {
    assertThrows(() => pm.setMode(mode), RangeError, "kernel, userspace");
  }
  assertEquals(modeOf(lab.client), "userspace");
});

liveTest("the mode applies to connections made from then on", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const steered = () => {
    using connection = lab.connect();
    connection.transfer(1000);
    const { token } = connection.client;
    pm.setMode(pm.getMode() === "kernel" ? "userspace" : "kernel");
    return pm.dumpAddrs({ token });
  };
  // The mode changes meanwhile, which is too late.
  assertThrows(steered, NetlinkError);
  assertEquals(steered(), []);
});
