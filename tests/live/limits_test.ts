import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { type Limits, NetlinkError, PathManager } from "../../mod.ts";
import { assertRefused, type Refusal } from "../helpers/assert_refused.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient } from "../helpers/raw_client.ts";

liveTest(
  "`getLimits()` of a new namespace returns the kernel's defaults",
  () => {
    using lab = Lab.open({ paths: 0 });
    using pm = PathManager.open({ netns: lab.client.netns });
    assertEquals(pm.getLimits(), { subflows: 2, addAddrAccepted: 0 });
  },
);

liveTest("`setLimits()` sets each number up to the kernel's highest", () => {
  using lab = Lab.open({ paths: 0 });
  const { client } = lab;
  using pm = PathManager.open({ netns: client.netns });
  let max = -1;
  try {
    for (; max < 1000; max++) pm.setLimits({ subflows: max + 1 });
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
  // 8 on Linux 6.18, 64 after 7.1.
  assertGreaterOrEqual(max, 8);
  for (let limit = 0; limit <= max; limit++) {
    const limits = { subflows: limit, addAddrAccepted: max - limit };
    pm.setLimits(limits);
    assertEquals(pm.getLimits(), limits);
    if (limit > 8) continue;
    assertEquals(
      client.ip("mptcp", "limits").trim(),
      `add_addr_accepted ${max - limit} subflows ${limit}`,
    );
  }
});

liveTest("`setLimits()` leaves the limit that is not given", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  lab.client.ip(
    ...["mptcp", "limits", "set", "subflows", "3", "add_addr_accepted", "4"],
  );
  assertEquals(pm.getLimits(), { subflows: 3, addAddrAccepted: 4 });
  pm.setLimits({ subflows: 5 });
  assertEquals(pm.getLimits(), { subflows: 5, addAddrAccepted: 4 });
  pm.setLimits({ addAddrAccepted: 6 });
  assertEquals(pm.getLimits(), { subflows: 5, addAddrAccepted: 6 });
});

liveTest("`setLimits()` sets both limits or none", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const before = pm.getLimits();
  const message = "limit greater than maximum (8)";
  const table: [Partial<Limits>, Refusal][] = [
    [{ subflows: 0xffffffff }, { message, attribute: ".subflows" }],
    [{ addAddrAccepted: 1001 }, { message, attribute: ".rcv-add-addrs" }],
    [{ subflows: 5, addAddrAccepted: 1001 }, {
      message,
      attribute: ".rcv-add-addrs",
    }],
    [{ subflows: 1001, addAddrAccepted: 5 }, {
      message,
      attribute: ".subflows",
    }],
  ];
  for (const [limits, refusal] of table) {
    assertRefused(() => pm.setLimits(limits), "set-limits EINVAL", refusal);
    assertEquals(pm.getLimits(), before);
  }
});

liveTest("set-limits without limits changes nothing", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  raw.execute(OPS["set-limits"], {});
  assertEquals(raw.get(OPS["get-limits"], {}), { rcvAddAddrs: 0, subflows: 2 });
});

liveTest("a refused set-limits names the attribute that is too short", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  raw.spoil = (request) => request.length(28, 6);
  assertRefused(
    () => raw.execute(OPS["set-limits"], { rcvAddAddrs: 1, subflows: 1 }),
    "set-limits ERANGE",
    { message: "Attribute failed policy validation", attribute: ".subflows" },
  );
});
