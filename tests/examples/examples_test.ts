/** The examples without a kernel: what path managers are tested like. */
import { assertEquals, assertGreater } from "@std/assert";
import { announce } from "../../examples/announce.ts";
import { failover } from "../../examples/failover.ts";
import { onePerInterface } from "../../examples/one_per_interface.ts";
import { PathManager } from "../../mod.ts";
import { type FakeConnection, FakeKernel } from "../../testing/mod.ts";

const TOKEN = 0xcafe;
const MAIN = {
  local: { address: "10.0.1.1", port: 40000 },
  remote: { address: "10.0.1.2", port: 443 },
};

/** Runs an example until the test is over. */
async function run(
  example: (pm: PathManager, signal: AbortSignal) => Promise<void>,
  test: (kernel: FakeKernel) => Promise<void>,
): Promise<void> {
  const kernel = new FakeKernel();
  using pm = PathManager.open({ namespace: kernel });
  const stop = new AbortController();
  const running = example(pm, stop.signal);
  try {
    await test(kernel);
  } finally {
    stop.abort();
    await running;
  }
}

/** Lets the example react to all events. */
async function settle(kernel: FakeKernel): Promise<void> {
  const before = kernel.sent.length;
  kernel.emitEvent("closed", { token: 1 });
  await new Promise((resolve) => setTimeout(resolve));
  if (kernel.sent.length !== before) await settle(kernel);
}

/** What an action prints as warnings. */
async function collectWarnings(action: () => Promise<void>) {
  const { warn } = console;
  const warnings: string[] = [];
  // Without the hint in the second line.
  console.warn = (text: string) => warnings.push(text.split("\n")[0]!);
  try {
    await action();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

Deno.test("examples/announce.ts announces on each connection", async () => {
  await run(
    (pm, signal) => announce(pm, "10.0.2.1", signal),
    async (kernel) => {
      const announced = (connection: FakeConnection) =>
        connection.addresses().map(({ id, address }) => [id, address]);
      const options = { ...MAIN, established: false };
      const first = kernel.connect(TOKEN, { ...options, serverSide: true });
      const second = kernel.connect(TOKEN + 7, options);
      await settle(kernel);
      assertEquals(announced(first), []);
      first.establish();
      await settle(kernel);
      assertEquals(announced(first), [[1, "10.0.2.1"]]);
      assertEquals(announced(second), []);
      // One that is gone already does no harm.
      const warnings = await collectWarnings(async () => {
        kernel.emitEvent("established", { token: 1, serverSide: true });
        second.establish();
        await settle(kernel);
      });
      assertEquals(warnings, [
        "NetlinkError: Cannot announce address: invalid token " +
        '(EINVAL at ".token")',
      ]);
      assertEquals(announced(second), [[1, "10.0.2.1"]]);
    },
  );
});

Deno.test("examples/failover.ts changes the spare once", async () => {
  await run(
    (pm, signal) => failover(pm, { address: "10.0.2.1", dev: "eth1" }, signal),
    async (kernel) => {
      const connection = kernel.connect(TOKEN, { ...MAIN, established: false });
      // There is no spare yet.
      kernel.emitEvent("sub-closed", { token: TOKEN });
      connection.establish();
      await settle(kernel);
      const [, spare] = connection.subflows();
      const { local, remote } = spare!;
      assertEquals(spare, {
        ...{ local, remote, locId: 1, remId: 0, backup: true, ifIndex: 3 },
        ...{ openedHere: true, state: "established" },
      });
      assertEquals(local.address, "10.0.2.1");
      assertEquals(remote, MAIN.remote);

      kernel.emitEvent("sub-closed", { token: TOKEN + 1, error: 104 });
      await settle(kernel);
      assertEquals(connection.subflows()[1], spare);
      kernel.emitEvent("sub-closed", { token: TOKEN, error: 110 });
      await settle(kernel);
      assertEquals(connection.subflows()[1], { ...spare!, backup: false });
    },
  );
});

Deno.test("examples/failover.ts leaves a spare that closed itself", async () => {
  await run(
    (pm, signal) => failover(pm, { address: "10.0.2.1", dev: "eth1" }, signal),
    async (kernel) => {
      const accepted = kernel.connect(TOKEN + 1, { ...MAIN, serverSide: true });
      const connection = kernel.connect(TOKEN, MAIN);
      await settle(kernel);
      assertEquals(accepted.subflows().length, 1);
      const { local, remote } = connection.subflows()[1]!;
      kernel.emitEvent("sub-closed", { token: TOKEN, local, remote });
      kernel.emitEvent("sub-closed", { token: TOKEN });
      await settle(kernel);
      assertEquals(connection.subflows()[1]!.backup, true);
    },
  );
});

Deno.test("the examples go on when the kernel refuses", async () => {
  const interfaces = { eth1: "10.0.2.1", eth2: "10.0.3.1" };
  const refused = "NetlinkError: Cannot create subflow: invalid token " +
    '(EINVAL at ".token")';
  const rows: [Parameters<typeof run>[0], string[]][] = [
    [
      (pm, signal) => onePerInterface(pm, interfaces, signal),
      [`eth1: ${refused}`, `eth2: ${refused}`],
    ],
    [
      (pm, signal) =>
        failover(pm, { address: "10.0.2.1", dev: "eth1" }, signal),
      [refused],
    ],
  ];
  for (const [example, expected] of rows) {
    await run(example, async (kernel) => {
      const warnings = await collectWarnings(async () => {
        kernel.emitEvent("established", { token: 1 });
        await settle(kernel);
      });
      assertEquals(warnings, expected);
      const connection = kernel.connect(TOKEN, MAIN);
      await settle(kernel);
      assertGreater(connection.subflows().length, 1);
    });
  }
});

Deno.test("examples/one_per_interface.ts leaves out what is in use", async () => {
  const interfaces = { eth0: "10.0.1.1", eth1: "10.0.2.1", eth2: "10.0.3.1" };
  await run(
    (pm, signal) => onePerInterface(pm, interfaces, signal),
    async (kernel) => {
      const accepted = kernel.connect(TOKEN + 1, { ...MAIN, serverSide: true });
      const connection = kernel.connect(TOKEN, MAIN);
      await settle(kernel);
      assertEquals(accepted.subflows().length, 1);
      assertEquals(
        connection.subflows().map(({ local, remote, locId }) => [
          local.address,
          locId,
          remote.address,
        ]),
        [
          ["10.0.1.1", 0, "10.0.1.2"],
          ["10.0.2.1", 2, "10.0.1.2"],
          ["10.0.3.1", 3, "10.0.1.2"],
        ],
      );
    },
  );
});
