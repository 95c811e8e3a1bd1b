/** The commands for connections with the userspace path manager. */
import { assertEquals, assertThrows } from "@std/assert";
import { NetlinkError } from "../../netlink/errors.ts";
import { isConnectionGone } from "../../ops/connection_gone.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { ack } from "../helpers/netlink_bytes.ts";

const TOKEN = 0xffffffff;
const IN_KERNEL = 7;
const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };

function open(): { pm: PathManager; kernel: FakeKernel } {
  const kernel = new FakeKernel();
  kernel.connect(TOKEN);
  kernel.connect(IN_KERNEL, { pathManager: "kernel" });
  return { pm: PathManager.open({ namespace: kernel }), kernel };
}

const ids = (pm: PathManager) =>
  pm.dumpAddrs({ token: TOKEN }).map(({ id }) => id);

Deno.test("`announce()` and `remove()` add an address to a connection and take it back", () => {
  const { pm } = open();
  for (const id of [1, 255]) {
    pm.announce({ token: TOKEN, address: `10.0.0.${id}`, id, dev: "eth1" });
  }
  // Once more, to repeat it.
  pm.announce({ token: TOKEN, address: "10.0.0.1", id: 1 });
  assertEquals(ids(pm), [1, 255]);
  pm.remove({ token: TOKEN, id: 1 });
  assertEquals(ids(pm), [255]);
  pm.remove({ token: TOKEN, id: 0 });
});

Deno.test("`subflowCreate()` and `subflowDestroy()` open a subflow and close it", () => {
  const { pm, kernel } = open();
  pm.subflowCreate({
    token: TOKEN,
    local: { ...local, id: 255 },
    remote,
    dev: 2,
    backup: true,
  });
  const [address] = pm.dumpAddrs({ token: TOKEN });
  assertEquals(address, {
    address: "10.0.0.1",
    port: 4000,
    id: 255,
    flags: ["subflow", "backup"],
    ifIndex: 2,
    dev: "eth0",
  });
  pm.subflowDestroy({ token: TOKEN, local, remote });
  assertEquals(kernel.connections.get(TOKEN)!.subflows().length, 1);
  const error = assertThrows(
    () => pm.subflowDestroy({ token: TOKEN, local, remote }),
    NetlinkError,
  );
  assertEquals(
    error.message,
    `Cannot destroy subflow: subflow not found (ESRCH)\nhint: ${error.hint}`,
  );
});

Deno.test("commands for connections name an invalid token", () => {
  const { pm } = open();
  const calls: ((token: number) => unknown)[] = [
    (token) => pm.announce({ token, address: "10.0.0.1", id: 1 }),
    (token) => pm.remove({ token, id: 1 }),
    (token) => pm.subflowCreate({ token, local, remote }),
    (token) => pm.subflowDestroy({ token, local, remote }),
    (token) => pm.setSubflowBackup({ token, local, remote, backup: true }),
    (token) => pm.dumpAddrs({ token }),
  ];
  const rows = [[9, "invalid token"], [IN_KERNEL, "userspace PM not selected"]];
  for (const call of calls) {
    for (const [token, message] of rows) {
      const error = assertThrows(() => call(token as number), NetlinkError);
      assertEquals(isConnectionGone(error), token !== IN_KERNEL);
      assertEquals(error.extack?.message, message);
      assertEquals(error.extack?.attribute, ".token");
      assertEquals(error.hint?.startsWith("a token belongs to one"), true);
    }
  }
});

Deno.test("commands for connections pass on refusals", () => {
  const { pm } = open();
  pm.announce({ token: TOKEN, address: "10.0.0.1", id: 1 });
  const rows: [() => unknown, string][] = [
    [
      () => pm.announce({ token: TOKEN, address: "10.0.0.1", id: 2 }),
      'Cannot announce address: did not match address and id (EINVAL at ".addr")',
    ],
    [
      () => pm.remove({ token: TOKEN, id: 31 }),
      'Cannot remove address: address with id 31 not found (EINVAL at ".loc-id")',
    ],
    [
      () =>
        pm.subflowCreate({
          token: TOKEN,
          local: { address: "::1", id: 3 },
          remote,
        }),
      "Cannot create subflow: families mismatch (EINVAL)",
    ],
    [
      () =>
        pm.subflowCreate({ token: TOKEN, local: { ...local, id: 1 }, remote }),
      'Cannot create subflow: did not match address and id (EINVAL at ".addr")',
    ],
  ];
  for (const [call, message] of rows) {
    const error = assertThrows(call, NetlinkError);
    assertEquals(error.message, `${message}\nhint: ${error.hint}`);
  }
});

Deno.test("`subflowCreate()` says that a link-local address needs a device", () => {
  const NEEDS = "a link-local address needs dev";
  const rows: [from: string, to: string, dev: number | undefined, boolean][] = [
    ["fe80::1", "fe80::2", undefined, true],
    ["fd00::1", "febf::2", undefined, true],
    ["fe80::1", "fe80::2", 3, false],
    ["fec0::1", "fd00::2", undefined, false],
    ["254.128.0.1", "10.0.0.2", undefined, false],
  ];
  for (const [from, to, dev, isMeant] of rows) {
    for (const refusal of [{ message: "connect error: -22" }, { offset: 20 }]) {
      const { pm, kernel } = open();
      kernel.distort = (_, request) => [ack(request, 22, refusal)];
      const { hint } = assertThrows(
        () =>
          pm.subflowCreate({
            token: TOKEN,
            local: { address: from },
            remote: { address: to, port: 80 },
            ...dev !== undefined && { dev },
          }),
        NetlinkError,
      );
      assertEquals(hint === NEEDS, isMeant && "message" in refusal);
    }
  }
});
