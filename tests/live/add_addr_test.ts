import { assertEquals, assertThrows } from "@std/assert";
import { type AddressAttrs, OPS } from "../../codec/mptcp_pm.gen.ts";
import {
  type AddAddrOptions,
  type Endpoint,
  NetlinkError,
  PathManager,
  type Warning,
} from "../../mod.ts";
import { assertRefused, type Refusal } from "../helpers/assert_refused.ts";
import { assertSameAsIp } from "../helpers/assert_same_as_ip.ts";
import { Lab, waitFor } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient, type Request } from "../helpers/raw_client.ts";

liveTest("`addAddr()` returns the endpoint as the kernel stored it", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const dev = lab.client.dev(1);
  const ifIndex = JSON.parse(lab.client.ip("-j", "link", "show", dev))[0]
    .ifindex;
  const plain = { port: 0, flags: [], ifIndex: 0 };
  const onDev = { ...plain, ifIndex, dev };
  const table: [AddAddrOptions, Endpoint][] = [
    [{ address: "10.0.0.1" }, { ...plain, address: "10.0.0.1", id: 1 }],
    [
      { address: "10.0.0.2", id: 9, flags: ["subflow", "backup"] },
      { ...plain, address: "10.0.0.2", id: 9, flags: ["subflow", "backup"] },
    ],
    [
      { address: "10.0.0.3", id: 255, flags: ["fullmesh", "subflow"], dev },
      {
        ...onDev,
        address: "10.0.0.3",
        id: 255,
        flags: ["subflow", "fullmesh"],
      },
    ],
    [
      { address: "10.77.1.1", id: 2, port: 10100, flags: ["signal"] },
      {
        ...plain,
        address: "10.77.1.1",
        id: 2,
        port: 10100,
        flags: ["signal"],
      },
    ],
    [
      { address: "FD77:0:0::0.0.0.1", id: 3, flags: ["backup"], dev: ifIndex },
      { ...onDev, address: "fd77::1", id: 3, flags: ["backup"] },
    ],
    [
      { address: "fd77:1::1", id: 4, port: 65535, flags: ["signal"], dev },
      { ...onDev, address: "fd77:1::1", id: 4, port: 65535, flags: ["signal"] },
    ],
    [
      { address: "255.255.255.255", id: 5, flags: ["signal", "subflow"] },
      {
        ...plain,
        address: "255.255.255.255",
        id: 5,
        flags: ["signal", "subflow"],
      },
    ],
  ];
  for (const [options, expected] of table) {
    assertEquals(pm.addAddr(options), expected);
    assertEquals(pm.getAddr({ id: expected.id }), expected);
  }
  assertSameAsIp(pm.dumpAddrs(), lab.client);
});

liveTest("`addAddr()` without id takes one above all that were given", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const add = (address: string, id?: number) =>
    pm.addAddr({ address, ...id !== undefined && { id } }).id;
  assertEquals(add("10.0.0.1"), 1);
  assertEquals(add("10.0.0.2"), 2);
  assertEquals(add("10.0.0.3", 100), 100);
  assertEquals(add("10.0.0.4"), 101);
  pm.delAddr({ id: 101 });
  assertEquals(add("10.0.0.5"), 101);
  assertEquals(add("10.0.0.6", 255), 255);
  assertEquals(add("10.0.0.7"), 3);
});

liveTest("`addAddr()` lets an address have several ports", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.server.netns });
  const address = lab.server.address(1);
  for (const port of [0, 10100, 10101]) {
    assertEquals(pm.addAddr({ address, port, flags: ["signal"] }).port, port);
  }
  assertEquals(pm.dumpAddrs().map(({ port }) => port), [0, 10100, 10101]);
  const listening = lab.server.exec("ss", "-tlnH").match(/:1010\d/g);
  assertEquals(listening?.sort(), [":10100", ":10101"]);
});

liveTest("`addAddr()` warns of flags that the kernel drops", () => {
  using lab = Lab.open({ paths: 0 });
  const warnings: Warning[] = [];
  using pm = PathManager.open({
    netns: lab.client.netns,
    onWarning: (warning) => warnings.push(warning),
  });
  const { flags } = pm.addAddr({
    address: "10.0.0.1",
    flags: ["subflow", "0x40000000"],
  });
  assertEquals(flags, ["subflow"]);
  assertEquals(warnings, [{
    op: "add-addr",
    message: "this kernel does not know the flag 0x40000000, " +
      "and added 10.0.0.1 without it",
  }, {
    op: "add-addr",
    message: "10.0.0.1 is not on this host: no subflow can start from it",
    isHint: true,
  }]);
});

liveTest("`addAddr()` warns where the kernel is too old for laminar", () => {
  using lab = Lab.open({ paths: 0 });
  const warnings: Warning[] = [];
  using pm = PathManager.open({
    netns: lab.client.netns,
    onWarning: (warning) => warning.isHint || warnings.push(warning),
  });
  const { flags } = pm.addAddr({ address: "10.0.0.1", flags: ["laminar"] });
  assertEquals(flags.includes("laminar"), warnings.length === 0);
});

liveTest("`addAddr()` names the endpoint that it conflicts with", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  pm.addAddr({ address: "10.0.0.1", id: 7, flags: ["subflow"] });
  pm.addAddr({ address: "10.77.1.1", port: 10100, flags: ["signal"] });
  const table: [AddAddrOptions, string, Refusal][] = [
    [{ address: "10.0.0.1", flags: ["signal"] }, "EEXIST", {
      message: "too many addresses or duplicate one: -17",
      hint: "10.0.0.1 is an endpoint already, with id 7",
    }],
    [{ address: "10.0.0.2", id: 7 }, "EBUSY", {
      message: "too many addresses or duplicate one: -16",
      hint: "id 7 belongs to 10.0.0.1",
    }],
    [{ address: "10.0.0.3", port: 10100, flags: ["signal"] }, "EADDRNOTAVAIL", {
      message: "create listen socket error: -99",
      hint: "its address must be on this host",
    }],
    [{ address: "10.77.1.1", port: 10100, flags: ["signal"] }, "EADDRINUSE", {
      message: "create listen socket error: -98",
      hint: "something listens on this port already",
    }],
  ];
  for (const [options, code, refusal] of table) {
    assertRefused(() => pm.addAddr(options), `add-addr ${code}`, refusal);
  }
  assertEquals(pm.dumpAddrs().length, 2);
});

liveTest("`addAddr()` lists the endpoints if the table is full", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  let count = 0;
  const full = assertThrows(() => {
    for (; count < 256; count++) pm.addAddr({ address: `fd77::${count}` });
  }, NetlinkError);
  assertEquals(full.code, "ERANGE");
  assertEquals(
    full.hint,
    `the table is full with ${count} endpoints: delete one first`,
  );
  // A duplicate is not noticed in a full table.
  assertRefused(() => pm.addAddr({ address: "fd77::1" }), "add-addr ERANGE", {
    message: "too many addresses or duplicate one: -34",
    hint: "fd77::1 is an endpoint already, with id 2",
  });
  assertEquals(pm.dumpAddrs().length, count);
  assertSameAsIp(pm.dumpAddrs(), lab.client);
});

liveTest("a refused add-addr names the attribute and the reason", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  const v4: AddressAttrs = { family: 2, addr4: "10.0.0.1" };
  const v6: AddressAttrs = { family: 10, addr6: "fd77::1" };
  const policy = "Attribute failed policy validation";
  // family, addr4: the header of the nest is at 20, they are at 24 and 32.
  const table: [
    AddressAttrs | undefined,
    (request: Request) => void,
    string,
    Refusal,
  ][] = [
    [undefined, () => {}, "EINVAL", { attribute: ".addr", missing: 1 }],
    [{ id: 1 }, () => {}, "EINVAL", {
      message: "missing family",
      attribute: ".addr",
    }],
    [{ ...v4, family: 3 }, () => {}, "EINVAL", {
      message: "unknown address family",
      attribute: ".addr",
    }],
    [{ ...v4, family: 10 }, () => {}, "EINVAL", {
      message: "missing address data",
      attribute: ".addr",
    }],
    [v4, (request) => request.length(24, 5), "ERANGE", {
      message: policy,
      attribute: ".addr.family",
    }],
    [{ ...v4, port: 1 }, (request) => request.length(40, 5), "ERANGE", {
      message: policy,
      attribute: ".addr.port",
    }],
    [v6, (request) => request.length(32, 19), "ERANGE", {
      message: "binary attribute size out of range",
      attribute: ".addr.addr6",
    }],
    [v4, (request) => request.length(20, 100), "EINVAL", {
      message: "bytes leftover after parsing attributes",
      attribute: ".addr",
      missing: 1,
    }],
    [{ ...v4, flags: 1 | 8 }, () => {}, "EINVAL", {
      message: "flags mustn't have both signal and fullmesh",
      attribute: ".addr",
    }],
    [{ ...v4, port: 10100, flags: 2 }, () => {}, "EINVAL", {
      message: "flags must have signal and not subflow when using port",
      attribute: ".addr",
    }],
    [{ ...v4, flags: 16 }, () => {}, "EINVAL", {
      message: "can't create IMPLICIT endpoint",
      attribute: ".addr",
    }],
  ];
  for (const [addr, spoil, code, refusal] of table) {
    raw.spoil = spoil;
    assertRefused(
      () => raw.execute(OPS["add-addr"], { ...addr !== undefined && { addr } }),
      `add-addr ${code}`,
      refusal,
    );
  }
  raw.spoil = () => {};
  assertEquals(raw.dump(OPS["get-addr"], {}), []);

  raw.execute(OPS["add-addr"], { addr: v4 });
  assertRefused(
    () =>
      raw.execute(OPS["add-addr"], {
        addr: { family: 10, addr6: "::ffff:10.0.0.1" },
      }),
    "add-addr EEXIST",
    {
      message: "too many addresses or duplicate one: -17",
      hint: "the address is an endpoint already",
    },
  );
});

liveTest("a warning on success reaches `onWarning`", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  raw.spoil = (request) => request.append(2);
  raw.execute(OPS["add-addr"], { addr: { family: 2, addr4: "10.0.0.1" } });
  assertEquals(raw.warnings, [{
    op: "add-addr",
    message: "bytes leftover after parsing attributes",
  }]);
});

liveTest("a command that the kernel does not know is refused", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  raw.spoil = (request) => request.command(200);
  assertRefused(
    () => raw.execute(OPS["add-addr"], {}),
    "add-addr EOPNOTSUPP",
    {},
  );
});

liveTest("`addAddr()` makes an implicit endpoint an ordinary one", () => {
  using lab = Lab.open({ paths: 2 });
  using pm = PathManager.open({ netns: lab.client.netns });
  using peer = PathManager.open({ netns: lab.server.netns });
  pm.setLimits({ addAddrAccepted: 1, subflows: 1 });
  peer.addAddr({ address: lab.server.address(2), flags: ["signal"] });
  using connection = lab.connect();
  connection.transfer(1000);
  const implicit = waitFor(() => pm.dumpAddrs()[0], "an implicit endpoint");
  const address = lab.client.address(2);
  assertEquals(implicit, {
    address,
    port: 0,
    id: 1,
    flags: ["implicit"],
    ifIndex: 0,
  });

  assertRefused(() => pm.addAddr({ address, id: 9 }), "add-addr EINVAL", {
    message: "too many addresses or duplicate one: -22",
    hint: `the kernel itself uses ${address}, with id 1: leave the id out`,
  });
  assertRefused(() => pm.addAddr({ address, id: 1 }), "add-addr EBUSY", {
    message: "too many addresses or duplicate one: -16",
    hint: `${address} is an endpoint already, with id 1`,
  });
  assertRefused(
    () => pm.setFlags({ id: 1, fullmesh: true }),
    "set-flags EINVAL",
    {
      message: "invalid addr flags",
      attribute: ".addr",
      hint: "fullmesh goes with neither signal nor an implicit endpoint",
    },
  );
  assertEquals(pm.setFlags({ id: 1, backup: true }).flags, [
    "backup",
    "implicit",
  ]);
  assertEquals(pm.addAddr({ address, flags: ["subflow"] }), {
    ...implicit,
    flags: ["subflow"],
  });
});
