import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkError, NotFoundError } from "../../netlink/errors.ts";
import type { EndpointFlag } from "../../ops/flags.ts";
import { PathManager } from "../../ops/path_manager.ts";
import type { EndpointSelector } from "../../ops/select.ts";
import type { FlagChanges } from "../../ops/set_flags.ts";
import { meanwhile } from "../helpers/meanwhile.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";

const TOKEN = 0x80000001;
const GET_ADDR = 3;

function open(...flags: EndpointFlag[]): {
  pm: PathManager;
  kernel: FakeKernel;
} {
  const kernel = new FakeKernel();
  kernel.connect(TOKEN);
  const pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.0.1", flags });
  return { pm, kernel };
}

const rows: readonly (readonly [
  before: EndpointFlag[],
  change: FlagChanges,
  after: EndpointFlag[],
])[] = [
  [["subflow"], { backup: true }, ["subflow", "backup"]],
  [["subflow"], { backup: false }, ["subflow"]],
  [["subflow"], { fullmesh: true }, ["subflow", "fullmesh"]],
  [["subflow", "fullmesh"], { backup: true }, [
    "subflow",
    "backup",
    "fullmesh",
  ]],
  [["subflow", "backup", "fullmesh"], { backup: false }, [
    "subflow",
    "fullmesh",
  ]],
  [["subflow", "backup"], { fullmesh: true }, [
    "subflow",
    "backup",
    "fullmesh",
  ]],
  [["backup", "fullmesh"], { fullmesh: false }, ["backup"]],
  [["backup", "fullmesh"], { backup: false, fullmesh: false }, []],
  [["backup"], { backup: false, fullmesh: true }, ["fullmesh"]],
  [["signal", "backup", "laminar"], { backup: false }, ["signal", "laminar"]],
];

for (const [before, change, after] of rows) {
  const made = Deno.inspect(change);
  Deno.test(`\`setFlags(${made})\` makes [${before}] [${after}]`, () => {
    const { pm, kernel } = open(...before);
    const endpoint = pm.setFlags({ id: 1, ...change });
    assertEquals(endpoint.flags, after);
    assertEquals(pm.dumpAddrs(), [endpoint]);
    assertEquals(kernel.endpoints().length, 1);
  });
}

Deno.test("`setFlags()` keeps the flag that another program set before", () => {
  const { pm, kernel } = open("subflow");
  meanwhile(kernel, (other) => other.setFlags({ id: 1, fullmesh: true }));
  assertEquals(pm.setFlags({ id: 1, backup: true }).flags, [
    "subflow",
    "backup",
    "fullmesh",
  ]);
});

Deno.test("`setFlags()` finds an endpoint by its address", () => {
  const { pm } = open("subflow");
  pm.addAddr({ address: "10.0.0.1", port: 80, flags: ["signal"] });
  pm.addAddr({ address: "fd00::1", id: 9 });
  const rows: [EndpointSelector & FlagChanges, number][] = [
    [{ address: "10.0.0.1", port: 0, backup: true }, 1],
    // Without a port it is the endpoint without one, as with `ip`.
    [{ address: "10.0.0.1", backup: true }, 1],
    [{ address: "10.0.0.1", port: 80, backup: true }, 2],
    [{ address: "::ffff:10.0.0.1", port: 80, backup: true }, 2],
    [{ address: "FD00::0001", backup: true }, 9],
    [{ id: 9, address: "fd00::1", backup: true }, 9],
  ];
  for (const [change, id] of rows) {
    assertEquals(pm.setFlags(change).id, id);
  }
});

Deno.test("`setFlags()` asks for the port where the address fits several endpoints", () => {
  const { pm, kernel } = open("subflow");
  for (const port of [80, 81]) {
    pm.addAddr({ address: "10.0.0.1", port, flags: ["signal"] });
  }
  pm.delAddr({ id: 1 });
  const error = assertThrows(
    () => pm.setFlags({ address: "10.0.0.1", backup: true }),
    TypeError,
  );
  assertEquals(
    error.message,
    "Ambiguous endpoint: 10.0.0.1 is id 2 port 80 and id 3 port 81",
  );
  assertEquals(
    kernel.endpoints().some(({ flags }) => flags.includes("backup")),
    false,
  );
});

Deno.test("`setFlags()` says what is not there", () => {
  const { pm } = open();
  const rows: [EndpointSelector, string][] = [
    [{ address: "10.0.0.2" }, "no endpoint is 10.0.0.2"],
    [{ address: "10.0.0.1", port: 1 }, "no endpoint is 10.0.0.1 port 1"],
    [{ id: 1, address: "::1" }, "endpoint 1 is 10.0.0.1, not ::1"],
    [{ id: 2 }, "no endpoint has id 2"],
  ];
  for (const [selector, what] of rows) {
    const error = assertThrows(
      () => pm.setFlags({ ...selector, backup: true }),
      NotFoundError,
    );
    assertEquals(error.message, `Cannot set flags: ${what}`);
    assertEquals(error.what, "endpoint");
  }
});

Deno.test("`setFlags()` explains why there is no full mesh", () => {
  const { pm } = open("signal");
  const error = assertThrows(
    () => pm.setFlags({ id: 1, fullmesh: true }),
    NetlinkError,
  );
  assertEquals(
    error.message,
    'Cannot set flags: invalid addr flags (EINVAL at ".addr")\n' +
      `hint: ${error.hint}`,
  );
  assertEquals(
    error.hint,
    "fullmesh goes with neither signal nor an implicit endpoint",
  );
});

Deno.test("`setFlags()` says nothing of full mesh when the endpoint is gone meanwhile", () => {
  const { pm, kernel } = open("signal");
  kernel.distort = (answer, request) => {
    if (request[16] === GET_ADDR) meanwhile(kernel, (pm) => pm.flushAddrs());
    return answer;
  };
  const error = assertThrows(
    () => pm.setFlags({ id: 1, backup: true }),
    NetlinkError,
  );
  assertEquals(error.extack?.message, "address not found");
  assertEquals(error.hint?.includes("fullmesh") ?? false, false);
});

Deno.test("`setSubflowBackup()` changes the priority of a subflow", () => {
  const { pm, kernel } = open();
  const local = { address: "10.0.0.1", port: 4000 };
  const remote = { address: "10.0.0.2", port: 5000 };
  pm.subflowCreate({ token: TOKEN, local, remote });
  kernel.sent.length = 0;
  for (const backup of [true, false]) {
    pm.setSubflowBackup({ token: TOKEN, local, remote, backup });
    assertEquals(kernel.connections.get(TOKEN)!.subflows()[1]!.backup, backup);
  }
  // Without the flag there is no attribute of flags.
  assertEquals(kernel.sent.map(({ length }) => length), [92, 84]);
  const error = assertThrows(
    () =>
      pm.setSubflowBackup({
        token: TOKEN,
        local: { ...local, port: 4001 },
        remote,
        backup: true,
      }),
    NetlinkError,
  );
  assertEquals(error.message, "Cannot set flags: subflow not found (EINVAL)");
  assertEquals(error.hint, undefined);
});
