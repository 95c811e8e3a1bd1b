import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Warning } from "../../netlink/genl.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { NetlinkError, NotFoundError } from "../../netlink/errors.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { meanwhile } from "../helpers/meanwhile.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";

const ADD_ADDR = 1;
const GET_ADDR = 3;

function open(): { pm: PathManager; kernel: FakeKernel; warnings: Warning[] } {
  const kernel = new FakeKernel();
  const warnings: Warning[] = [];
  const pm = PathManager.open({
    namespace: kernel,
    onWarning: (warning) => warnings.push(warning),
  });
  return { pm, kernel, warnings };
}

function fill(pm: PathManager, count: number): void {
  for (let last = 1; last <= count; last++) {
    pm.addAddr({ address: `10.0.0.${last}` });
  }
}

/** What happens behind the back of the caller, after a command. */
function after(
  kernel: FakeKernel,
  cmd: number,
  happens: (pm: PathManager) => void,
): void {
  kernel.distort = (answer, request) => {
    if (request[16] === cmd) meanwhile(kernel, happens);
    return answer;
  };
}

Deno.test("`addAddr()` returns the endpoint as the kernel stored it", () => {
  const { pm } = open();
  assertEquals(pm.addAddr({ address: "10.0.0.1" }), {
    address: "10.0.0.1",
    port: 0,
    id: 1,
    flags: [],
    ifIndex: 0,
  });
  assertEquals(
    pm.addAddr({
      address: "2001:DB8:0:0::1",
      id: 100,
      dev: "eth1",
      flags: ["fullmesh", "subflow"],
    }),
    {
      address: "2001:db8::1",
      port: 0,
      id: 100,
      flags: ["subflow", "fullmesh"],
      ifIndex: 3,
      dev: "eth1",
    },
  );
  // The kernel goes on behind the highest id.
  assertEquals(pm.addAddr({ address: "10.0.0.2" }).id, 101);
});

Deno.test("`addAddr()` returns the endpoint with the port, among several with one address", () => {
  const { pm } = open();
  const address = "10.0.0.1";
  const ports = [8080, 0, 8081];
  const added = ports.map((port) =>
    pm.addAddr({ address, port, flags: ["signal"] })
  );
  assertEquals(added.map(({ port, id }) => [port, id]), [
    [8080, 1],
    [0, 2],
    [8081, 3],
  ]);
});

Deno.test("`addAddr()` takes the place of an implicit endpoint", () => {
  const { pm, kernel } = open();
  kernel.addImplicit("10.0.0.1");
  // But not under another id.
  const error = assertThrows(
    () => pm.addAddr({ address: "10.0.0.1", id: 8 }),
    NetlinkError,
  );
  assertEquals(error.code, "EINVAL");
  assertEquals(
    error.hint,
    "the kernel itself uses 10.0.0.1, with id 1: " +
      "leave the id out to take it over",
  );
  const endpoint = pm.addAddr({ address: "10.0.0.1", flags: ["subflow"] });
  assertEquals([endpoint.id, endpoint.flags], [1, ["subflow"]]);
});

Deno.test("`addAddr()` warns of flags that the kernel dropped", () => {
  const { pm, warnings } = open();
  const endpoint = pm.addAddr({
    address: "10.0.0.1",
    flags: ["subflow", "0x40", "0x80000000"],
  });
  assertEquals(endpoint.flags, ["subflow"]);
  assertEquals(warnings, [{
    op: "add-addr",
    message: "this kernel does not know the flag 0x80000040, and added " +
      "10.0.0.1 without it",
  }]);
});

Deno.test("`addAddr()` warns of nothing when all flags were kept", () => {
  const { pm, warnings } = open();
  pm.addAddr({ address: "10.0.0.1", flags: ["subflow", "laminar", "0x4"] });
  assertEquals(warnings, []);
});

Deno.test("`addAddr()` says so when the endpoint is gone at once", () => {
  const { pm, kernel } = open();
  after(kernel, ADD_ADDR, (pm) => pm.flushAddrs());
  const error = assertThrows(
    () => pm.addAddr({ address: "10.0.0.1" }),
    NotFoundError,
  );
  assertEquals(
    error.message,
    "Cannot add address: 10.0.0.1 was added and is gone again: another " +
      "program removes it",
  );
});

/** What the hint says about the table. */
const FINDINGS: readonly (readonly [
  name: string,
  add: (pm: PathManager) => unknown,
  code: string,
  includes: string[],
  excludes?: string,
])[] = [
  [
    "the id of the same address",
    (pm) => pm.addAddr({ address: "fd00::0:1", flags: ["subflow"] }),
    "EEXIST",
    ["fd00::1", "id 77"],
  ],
  [
    "which address has the id",
    (pm) => pm.addAddr({ address: "10.9.9.9", id: 77 }),
    "EBUSY",
    ["id 77", "fd00::1"],
  ],
  [
    "which address has the id, whatever other ports the address has",
    (pm) =>
      pm.addAddr({
        address: "10.0.0.1",
        port: 80,
        id: 77,
        flags: ["signal"],
      }),
    "EBUSY",
    ["id 77", "fd00::1"],
    "10.0.0.1",
  ],
  [
    "how many there are",
    (pm) => (fill(pm, 7), pm.addAddr({ address: "10.9.9.9" })),
    "ERANGE",
    ["8 endpoints"],
  ],
  [
    "how many there are, whatever other ports the address has",
    (pm) => (
      fill(pm, 7),
        pm.addAddr({ address: "fd00::1", port: 80, flags: ["signal"] })
    ),
    "ERANGE",
    ["8 endpoints"],
    "already",
  ],
  [
    "how many there are, also if the id is taken",
    (pm) => (fill(pm, 7), pm.addAddr({ address: "10.9.9.9", id: 77 })),
    "ERANGE",
    ["8 endpoints"],
    "belongs",
  ],
  [
    "that the address is in the full table",
    (pm) => (fill(pm, 7), pm.addAddr({ address: "fd00::1" })),
    "ERANGE",
    ["fd00::1", "id 77"],
  ],
];

for (const [name, add, code, includes, excludes = "?"] of FINDINGS) {
  Deno.test(`\`addAddr()\` finds out ${name} when it is refused`, () => {
    const { pm } = open();
    pm.addAddr({ address: "fd00::1", id: 77 });
    if (name.startsWith("which address has the id,")) fill(pm, 1);
    const error = assertThrows(() => add(pm), NetlinkError);
    assertEquals([error.op, error.code], ["add-addr", code]);
    for (const text of includes) {
      assert(error.hint?.includes(text), `"${text}" is not in: ${error.hint}`);
    }
    assert(!error.hint?.includes(excludes), error.hint);
  });
}

Deno.test("`addAddr()` finds nothing out about other refusals", () => {
  const { pm, kernel } = open();
  kernel.privileged = false;
  const before = kernel.sent.length;
  const error = assertThrows(
    () => pm.addAddr({ address: "10.0.0.1" }),
    NetlinkError,
  );
  assertEquals(error.code, "EPERM");
  assert(error.hint?.startsWith("CAP_NET_ADMIN is needed"));
  assertEquals(kernel.sent.length, before + 1);
});

Deno.test("`addAddr()` throws the refusal although it finds nothing out", () => {
  for (const failure of [undefined, new SyscallError("recvfrom", 105, "x")]) {
    const { pm, kernel } = open();
    fill(pm, 1);
    kernel.distort = (answer, request) =>
      request[16] === GET_ADDR ? failure ? [failure] : [] : answer;
    const error = assertThrows(() => fill(pm, 1), Error);
    assertEquals([error.name, Reflect.get(error, "code")], [
      "NetlinkError",
      "EEXIST",
    ]);
    kernel.distort = (answer) => answer;
    assertEquals(pm.dumpAddrs().length, 1);
  }
});

Deno.test("`addAddr()` throws the refusal although the cause is gone again", () => {
  const rows: [id: number | undefined, code: string][] = [
    [undefined, "EEXIST"],
    [1, "EBUSY"],
  ];
  for (const [id, code] of rows) {
    const { pm, kernel } = open();
    fill(pm, 1);
    after(kernel, ADD_ADDR, (pm) => pm.flushAddrs());
    const error = assertThrows(
      () => pm.addAddr({ address: "10.0.0.1", ...id && { id } }),
      NetlinkError,
    );
    assertEquals(error.code, code);
    assert(error.hint !== undefined);
  }
});
