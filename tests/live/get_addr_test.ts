import { assertEquals, assertThrows } from "@std/assert";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { NLM_F_DUMP, NLM_F_REQUEST } from "../../codec/mod.ts";
import { NotFoundError, PathManager } from "../../mod.ts";
import { assertRefused, type Refusal } from "../helpers/assert_refused.ts";
import { assertSameAsIp } from "../helpers/assert_same_as_ip.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";
import { RawClient, type Request } from "../helpers/raw_client.ts";

liveTest("`dumpAddrs()` lists the endpoints by rising id", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  assertEquals(pm.dumpAddrs(), []);
  for (const id of [200, 7, 255, 1]) {
    pm.addAddr({ address: `fd77::${id}`, id, flags: ["subflow", "backup"] });
  }
  assertEquals(pm.dumpAddrs().map(({ id }) => id), [1, 7, 200, 255]);
  assertSameAsIp(pm.dumpAddrs(), lab.client);
});

liveTest("`dumpAddrs()` lists a table of long IPv6 addresses", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const dev = lab.client.dev(1);
  const addresses = Array.from(
    { length: 8 },
    (_, index) => `fd77:ffff:eeee:dddd:cccc:bbbb:aaaa:900${index}`,
  );
  for (const address of addresses) {
    pm.addAddr({ address, flags: ["subflow"], dev });
  }
  assertEquals(pm.dumpAddrs().map(({ address }) => address), addresses);
  assertSameAsIp(pm.dumpAddrs(), lab.client);
});

liveTest("`dumpAddrs()` shows what `ip mptcp` has added", () => {
  using lab = Lab.open();
  using pm = PathManager.open({ netns: lab.client.netns });
  const dev = lab.client.dev(1);
  lab.client.ip(
    ...["mptcp", "endpoint", "add", "10.0.0.1", "id", "5", "dev", dev],
    ...["subflow", "backup", "fullmesh"],
  );
  const expected = {
    address: "10.0.0.1",
    port: 0,
    id: 5,
    flags: ["subflow", "backup", "fullmesh"] as const,
    ifIndex: 11,
    dev,
  };
  assertEquals(pm.getAddr({ id: 5 }), expected);
  // The endpoint outlives its device.
  lab.client.ip("link", "delete", dev);
  const { dev: _, ...rest } = expected;
  assertEquals(pm.dumpAddrs(), [rest]);
});

liveTest("`getAddr()` and `dumpAddrs()` name what they do not find", () => {
  using lab = Lab.open({ paths: 0 });
  using pm = PathManager.open({ netns: lab.client.netns });
  const notFound = { message: "address not found", attribute: ".addr" };
  const error = assertThrows(() => pm.getAddr({ id: 9 }), NotFoundError);
  assertEquals(error.message, "Cannot get address: no endpoint has id 9");
  // For one address, the kernel does not name the token.
  assertRefused(
    () => pm.getAddr({ id: 9, token: 0x12345678 }),
    "get-addr EINVAL",
    notFound,
  );
  // This refusal comes at the end of the dump.
  assertRefused(
    () => pm.dumpAddrs({ token: 0x12345678 }),
    "get-addr EINVAL",
    {
      message: "invalid token",
      attribute: ".token",
      hint: "a token belongs to one network namespace",
    },
  );
});

liveTest("a refused get-addr names the attribute and the reason", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  const notFound = { message: "address not found", attribute: ".addr" };
  assertRefused(() => raw.get(OPS["get-addr"], {}), "get-addr EINVAL", {
    attribute: ".addr",
    missing: 1,
  });
  for (
    const addr of [{}, { id: 0 }, { family: 2, addr4: "10.0.0.1" }]
  ) {
    assertRefused(
      () => raw.get(OPS["get-addr"], { addr }),
      "get-addr EINVAL",
      notFound,
    );
  }
});

liveTest("a refused dump names the attribute and the reason", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  const addr = { family: 2, addr4: "10.0.0.1", port: 1 };
  // Top level at 20, the attributes of the nest at 24, 32 and 40.
  const table: [object, (request: Request) => void, Refusal][] = [
    [{ token: 1 }, (request) => request.type(20, 99), {
      message: "Unknown attribute type",
    }],
    [{ subflows: 1 }, () => {}, {
      message: "Unsupported attribute",
      attribute: ".subflows",
    }],
    [{ addr }, (request) => request.type(20, 1), {
      message: "NLA_F_NESTED is missing",
      attribute: ".addr",
    }],
    [{ addr }, (request) => request.length(40, 8), {
      message: "invalid attribute length",
      attribute: ".addr.port",
    }],
    [{ addr }, (request) => request.append(2), {
      message: "bytes leftover after parsing attributes",
    }],
  ];
  for (const [attrs, spoil, refusal] of table) {
    raw.spoil = spoil;
    assertRefused(
      () => raw.dump(OPS["get-addr"], attrs),
      "get-addr EINVAL",
      refusal,
    );
  }
  raw.spoil = () => {};
  assertEquals(raw.dump(OPS["get-addr"], {}), []);
});

liveTest("a dump by a command without one is refused", () => {
  using lab = Lab.open({ paths: 0 });
  using raw = RawClient.open(lab.client.netns);
  raw.spoil = (request) => request.flags(NLM_F_REQUEST | NLM_F_DUMP);
  assertRefused(
    () => raw.get(OPS["get-limits"], {}),
    "get-limits EOPNOTSUPP",
    {},
  );
});
