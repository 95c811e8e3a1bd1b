import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { SyscallError } from "../../ffi/syscall_error.ts";
import { isPermissionError, TimeoutError } from "../../netlink/errors.ts";
import { NETLINK_SOCK_DIAG } from "../../codec/sock_diag.gen.ts";
import { PathManager } from "../../ops/path_manager.ts";
import type {
  ConnectionsCondition,
  EventCondition,
  SubflowsCondition,
  WaitOptions,
} from "../../ops/wait_for.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { until } from "../../testing/lab.ts";

type Condition = SubflowsCondition | ConnectionsCondition | EventCondition;

function open() {
  const kernel = new FakeKernel();
  const pm = PathManager.open({ namespace: kernel });
  const wait = (condition: Condition, options?: WaitOptions) =>
    pm.waitFor(condition as EventCondition, options) as Promise<unknown>;
  return { kernel, pm, wait };
}

/** How often a kernel was looked at. */
const looks = ({ transports }: FakeKernel) =>
  transports.filter(({ protocol }) => protocol === NETLINK_SOCK_DIAG).length;

/** Once it waits for events. */
const listening = ({ subscriptions }: FakeKernel) =>
  until(() => subscriptions.some(({ closed }) => !closed), "it to listen");

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a wait comes to, in short. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    const found = await promise;
    const all = Array.isArray(found) ? found : [found];
    return all.map(({ token, type, subflows }) =>
      type ?? `${token}:${subflows.length}`
    ).join(" ");
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** What is there at first, is waited for, happens then, and comes of it. */
const ROWS: readonly (readonly [
  name: string,
  before: (kernel: FakeKernel) => void,
  condition: Condition,
  then: (kernel: FakeKernel) => void,
  outcome: string,
])[] = [
  [
    "a first connection",
    () => {},
    { connections: 1 },
    (kernel) => kernel.connect(5),
    "5:1",
  ],
  [
    "two more connections, while one goes",
    (kernel) => void kernel.connect(5),
    { connections: 2 },
    (kernel) => {
      kernel.connections.get(5)!.close();
      kernel.connect(6);
      kernel.connect(7);
    },
    "6:1 7:1",
  ],
  [
    "a connection that does not fall back",
    (kernel) => kernel.connect(5).set({ fallback: true }),
    { connections: 1 },
    (kernel) => kernel.connect(6),
    "6:1",
  ],
  [
    "a second subflow of any connection",
    (kernel) => {
      kernel.connect(5);
      kernel.connect(6);
    },
    { subflows: 2 },
    (kernel) => kernel.connections.get(6)!.openSubflow(),
    "6:2",
  ],
  [
    "a second subflow of one connection",
    (kernel) => {
      kernel.connect(5).openSubflow();
      kernel.connect(6);
    },
    { subflows: 2, token: 6 },
    (kernel) => {
      kernel.connections.get(5)!.openSubflow();
      kernel.connections.get(6)!.openSubflow();
    },
    "6:2",
  ],
  [
    "two more subflows, while one goes",
    (kernel) => kernel.connect(5).openSubflow(),
    { subflows: 3, token: 5 },
    (kernel) => {
      const connection = kernel.connections.get(5)!;
      connection.closeSubflow(1);
      connection.openSubflow();
      connection.openSubflow();
    },
    "5:3",
  ],
  [
    "a subflow that is being opened",
    (kernel) => kernel.connect(5).openSubflow({ state: "syn-sent" }),
    { subflows: 2 },
    (kernel) =>
      kernel.connections.get(5)!.setSubflow(1, { state: "established" }),
    "5:2",
  ],
  [
    "what an overrun hid",
    (kernel) => void kernel.connect(5),
    { subflows: 3 },
    (kernel) => {
      const { subscriptions } = kernel;
      const lost = subscriptions.splice(0);
      kernel.connections.get(5)!.openSubflow();
      kernel.connections.get(5)!.openSubflow();
      subscriptions.push(...lost);
      kernel.emitOverrun();
    },
    "5:3",
  ],
  [
    "a connection that goes",
    (kernel) => void kernel.connect(5),
    { subflows: 2, token: 5 },
    (kernel) => kernel.connections.get(5)!.close(),
    "NotFoundError: There is no connection of token 0x00000005",
  ],
  [
    "an event",
    (kernel) => kernel.connect(5).openSubflow(),
    { event: ["sub-closed", "closed"] },
    (kernel) => {
      kernel.connect(6);
      kernel.connections.get(5)!.closeSubflow(1);
      kernel.connections.get(5)!.close();
    },
    "sub-closed",
  ],
  [
    "an event of one connection",
    (kernel) => void kernel.connect(5),
    { event: ["closed", "established"], token: 5 },
    (kernel) => {
      kernel.connect(6);
      kernel.connections.get(5)!.close();
    },
    "closed",
  ],
  [
    "an event that may be lost",
    () => {},
    { event: ["closed"] },
    (kernel) => kernel.emitOverrun(),
    "SyscallError: Cannot wait for the event closed: No buffer space " +
    "available (recvfrom: ENOBUFS): events were lost, and it may have been " +
    "among them",
  ],
  [
    "an overrun",
    () => {},
    { event: ["overrun"] },
    (kernel) => kernel.emitOverrun(),
    "overrun",
  ],
];

for (const [name, before, condition, then, expected] of ROWS) {
  Deno.test(`\`waitFor()\` waits for ${name}`, async () => {
    const { kernel, wait } = open();
    before(kernel);
    const waiting = outcome(wait(condition));
    await listening(kernel);
    // Nothing polls.
    await pause(5);
    const [looked, sent] = [looks(kernel), kernel.sent.length];
    await pause(20);
    assertEquals([looks(kernel), kernel.sent.length], [looked, sent]);
    then(kernel);
    assertEquals(await waiting, expected);
    assert(kernel.subscriptions.every(({ closed }) => closed));
    assert(
      kernel.transports.slice(1).every(({ closed }) => closed),
      "a socket is open",
    );
  });
}

Deno.test("`waitFor()` needs no events where it holds already", async () => {
  const { kernel, wait } = open();
  kernel.privileged = false;
  kernel.connect(5);
  kernel.connect(6).openSubflow();
  const rows: [Condition, string][] = [
    [{ connections: 1 }, "5:1 6:2"],
    [{ connections: 2 }, "5:1 6:2"],
    [{ subflows: 1 }, "5:1"],
    [{ subflows: 2 }, "6:2"],
    [{ subflows: 1, token: 6 }, "6:2"],
  ];
  for (const [condition, expected] of rows) {
    assertEquals(await outcome(wait(condition, { timeoutMs: 0 })), expected);
  }
  assertEquals(kernel.subscriptions, []);
});

Deno.test("`waitFor()` says that events need a privilege", async () => {
  const { kernel, wait } = open();
  kernel.privileged = false;
  kernel.connect(5);
  const rows: [Condition, string][] = [
    [{ connections: 2 }, "2 connections"],
    [{ subflows: 2, token: 5 }, "2 subflows of connection 0x00000005"],
    [
      { event: ["closed"], token: 5 },
      "the event closed of connection 0x00000005",
    ],
  ];
  for (const [condition, goal] of rows) {
    const error = await assertRejects(() => wait(condition), SyscallError);
    assert(isPermissionError(error));
    assertEquals(
      error.message,
      `Cannot wait for ${goal}: Operation not permitted (setsockopt: EPERM): ` +
        "events need CAP_NET_ADMIN",
    );
  }
});

Deno.test("`waitFor()` ends when the time is up", async () => {
  const { kernel, wait } = open();
  kernel.connect(5).openSubflow();
  kernel.connect(6).set({ fallback: true, remoteKeyReceived: true });
  const rows: [Condition, string][] = [
    [{ connections: 2 }, "2 connections, and saw 1"],
    [{ subflows: 3 }, "3 subflows of one connection, and saw 2"],
    [
      { subflows: 1, token: 6 },
      "1 subflow of connection 0x00000006, and saw 0",
    ],
    [{ event: ["closed", "removed"] }, "the event closed or removed"],
  ];
  for (const [condition, goal] of rows) {
    for (const timeoutMs of [0, 30]) {
      const start = performance.now();
      const error = await assertRejects(
        () => wait(condition, { timeoutMs }),
        TimeoutError,
        `Timed out after ${timeoutMs / 1000} s: waited for ${goal}`,
      );
      assertEquals(error.timeoutMs, timeoutMs);
      assertLess(timeoutMs - 2, performance.now() - start);
    }
  }
  assert(kernel.subscriptions.every(({ closed }) => closed));
});

Deno.test("`waitFor()` takes a connection that is closed here for gone", async () => {
  const { kernel, wait } = open();
  // Its last bytes are still on their way.
  kernel.connect(5).set({ state: "fin-wait-1", inode: 0 });
  assertEquals(
    await outcome(wait({ subflows: 2, token: 5 })),
    "NotFoundError: There is no connection of token 0x00000005",
  );
});

Deno.test("`waitFor()` looks once more when the time is up", async () => {
  const { kernel, wait } = open();
  const five = kernel.connect(5);
  five.set({ fallback: true });
  const condition = { connections: 1 };
  await outcome(wait(condition, { timeoutMs: 20 }));
  // The last of all looks is that one.
  const all = looks(kernel);
  const { open: openSocket } = kernel;
  kernel.open = (protocol) => {
    const isLast = protocol === NETLINK_SOCK_DIAG &&
      looks(kernel) >= 2 * all - 2;
    if (isLast) five.set({ fallback: false, remoteKeyReceived: true });
    return openSocket.call(kernel, protocol);
  };
  assertEquals(await outcome(wait(condition, { timeoutMs: 20 })), "5:1");
  assertEquals(looks(kernel), 2 * all);
});

Deno.test("`waitFor()` ends by its signal, and when the path manager closes", async () => {
  for (const condition of [{ subflows: 2 }, { event: ["closed" as const] }]) {
    const { kernel, pm, wait } = open();
    const reason = new Error("enough");
    const aborted = await assertRejects(
      () => wait(condition, { signal: AbortSignal.abort(reason) }),
    );
    assertEquals(aborted, reason);
    assertEquals(kernel.subscriptions, []);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = outcome(wait(condition, { signal, timeoutMs: 60_000 }));
    await listening(kernel);
    controller.abort(reason);
    assertEquals(await waiting, "Error: enough");
    kernel.subscriptions.length = 0;
    const other = wait(condition).catch((error) => error);
    await listening(kernel);
    pm.close();
    assertInstanceOf(await other, Deno.errors.BadResource);
  }
});

Deno.test("`waitFor()` refuses what there cannot be, and sends nothing", async () => {
  const rows: [Condition, WaitOptions, string][] = [
    [{ subflows: 0 }, {}, "Invalid subflows 0: it is an integer from 1 to 255"],
    [{ subflows: 1.5 }, {}, "Invalid subflows 1.5"],
    [{ connections: 0 }, {}, "Invalid connections 0"],
    [{ subflows: 1, token: 0 }, {}, "Invalid token 0"],
    [{ event: [] }, {}, "No event types"],
    [
      { event: "closed" as unknown as ["closed"] },
      {},
      "Invalid event closed: a list is needed",
    ],
    [{ event: ["closed"], token: -1 }, {}, "Invalid token -1"],
    [{ event: ["close" as "closed"] }, {}, 'Unknown event "close"'],
    [{ subflows: 1 }, { timeoutMs: -1 }, "Invalid timeoutMs -1"],
    [{ subflows: 1 }, { timeoutMs: 2 ** 31 }, "Invalid timeoutMs 2147483648"],
    [{ subflows: 1 }, { timeoutMs: NaN }, "Invalid timeoutMs NaN"],
  ];
  for (const [condition, options, message] of rows) {
    const { kernel, wait } = open();
    const sent = kernel.sent.length;
    const error = await assertRejects(() => wait(condition, options), Error);
    assertStringIncludes(error.message, message);
    assert(error instanceof TypeError || error instanceof RangeError);
    assertEquals([kernel.sent.length, looks(kernel)], [sent, 0]);
    assertEquals(kernel.subscriptions, []);
  }
});

Deno.test("`waitFor()` misses no event that comes after the call", async () => {
  const { kernel, wait } = open();
  kernel.connect(5);
  const waiting = outcome(wait({ event: ["created"] }));
  kernel.connect(6).close();
  assertEquals(await waiting, "created");
});

Deno.test("`waitFor()` looks seldom while other connections come", async () => {
  const { kernel, wait } = open();
  const waiting = outcome(wait({ connections: 100 }));
  await listening(kernel);
  for (let token = 1; token <= 100; token++) {
    kernel.connect(token);
    if (token % 10 === 0) await pause(1);
  }
  assertEquals((await waiting).split(" ").length, 100);
  // Each look opens two sockets.
  assertLess(looks(kernel), 10);
});

Deno.test("`waitFor()` rejects with BadResource once closed", async () => {
  const pm = PathManager.open({ namespace: new FakeKernel() });
  pm.close();
  await assertRejects(
    () => pm.waitFor({ connections: 1 }),
    Deno.errors.BadResource,
    "The path manager is closed",
  );
});
