/** The agent, on a fake kernel: what it does of what happens, and why. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ApplyError,
  DocumentError,
  PlanError,
  watch,
  type WatchEvent,
  type WatchOptions,
  type WatchStatus,
} from "../../config/mod.ts";
import { PathManager, SyscallError } from "../../mod.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";
import { until } from "../../testing/lab.ts";
import type { AddressFlag, LinkFlag } from "../../diag/mod.ts";
import { generator, pick } from "../helpers/random.ts";
import { VirtualTime } from "../helpers/virtual_time.ts";

const EACCES = 13;
const EROFS = 30;
const FILE = "/etc/mptcp.yaml";
const BOTH = `
endpoints:
  - { address: 10.0.0.1, dev: eth0, flags: [subflow] }
  - { address: 10.0.1.1, dev: eth1, flags: [subflow] }
`;
const UPLINKS = `
endpoints:
  - { match: { dev: "eth*" }, flags: [subflow] }
`;

/** A host with an address on each of two devices. */
function host(text: string): FakeKernel {
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.files.set(FILE, text);
  kernel.interfaces = new FakeInterfaces();
  kernel.interfaces.addresses.push(
    { address: "10.0.0.1", dev: "eth0" },
    { address: "10.0.1.1", dev: "eth1" },
  );
  return kernel;
}

/** An event in a line. */
function lineOf(event: WatchEvent): string {
  switch (event.type) {
    case "done":
    case "undone": {
      const { step } = event;
      const what = "endpoint" in step
        ? step.endpoint.address
        : JSON.stringify(step.after);
      return `${event.type}: ${step.op} ${what}` +
        ("why" in event ? `: ${event.why}` : "");
    }
    case "file":
      return `file: ${event.state}${event.why ? `: ${event.why}` : ""}`;
    case "waiting":
      return `waiting: ${event.endpoint.address}: ${event.why}`;
    case "refused":
      return `refused: ${event.why.split("(")[0]}: ${event.times}`;
    case "warning":
      return `warning: ${event.why}`;
    case "ready":
      return `ready: ${event.endpoints}, ${event.waiting} waiting`;
  }
}

/** An agent at work. */
class Running implements AsyncDisposable {
  readonly kernel: FakeKernel;
  readonly lines: string[] = [];
  /** When the last one came. */
  lastMs = 0;
  readonly reload: () => void;
  status: WatchStatus | undefined;
  readonly #controller = new AbortController();
  readonly #time = new VirtualTime();
  readonly #end: Promise<void>;
  /** What of the kernel is open besides. */
  readonly #open: number;

  constructor(kernel: FakeKernel, options: WatchOptions = {}) {
    this.kernel = kernel;
    this.#open = kernel.transports.filter(({ closed }) => !closed).length;
    const agent = watch(FILE, {
      ...{ namespace: kernel, settleMs: 40, tickMs: 50 },
      signal: this.#controller.signal,
      onLook: (status) => this.status = status,
      ...options,
    });
    this.reload = () => agent.reload();
    this.#end = this.#follow(agent);
  }

  async #follow(agent: AsyncIterable<WatchEvent>): Promise<void> {
    for await (const event of agent) {
      this.lines.push(lineOf(event));
      this.lastMs = performance.now();
    }
  }

  /** Waits for lines, and takes them. */
  async expect(...lines: string[]): Promise<void> {
    await until(() => this.lines.length >= lines.length, lines.join("; "));
    assertEquals(this.lines.splice(0), lines);
  }

  /** Nothing happens for some looks. */
  async expectCalm(ms = 200): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    assertEquals(this.lines.splice(0), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#end;
    await this.#time[Symbol.asyncDispose]();
    const { subscriptions, transports } = this.kernel;
    assertEquals(subscriptions.every(({ closed }) => closed), true);
    assertEquals(transports.filter(({ closed }) => !closed).length, this.#open);
  }
}

const addresses = (kernel: FakeKernel) =>
  kernel.endpoints().map(({ address }) => address);

const START = [
  "done: add-addr 10.0.0.1: the file wants it",
  "done: add-addr 10.0.1.1: the file wants it",
  "ready: 2, 0 waiting",
];

/** Something happens to the network, and what the agent says of it. */
type Happening = readonly [
  what: string,
  change: (interfaces: FakeInterfaces, kernel: FakeKernel) => void,
  ...lines: string[],
];

const remove = ({ addresses }: FakeInterfaces, address: string) =>
  void addresses.splice(
    addresses.findIndex((one) => one.address === address),
    1,
  );

const HAPPENINGS: readonly Happening[] = [
  [
    "a carrier is lost",
    ({ links }) => links.set("eth1", { flags: ["up"] }),
    "done: del-addr 10.0.1.1: eth1 has had no carrier for 0.04 s",
  ],
  [
    "and comes back",
    ({ links }) => links.delete("eth1"),
    "done: add-addr 10.0.1.1: eth1 has had its carrier back for 0.04 s",
  ],
  [
    "a link is set down",
    ({ links }) => links.set("eth1", { flags: [] }),
    "done: del-addr 10.0.1.1: eth1 is down",
  ],
  [
    "and up",
    ({ links }) => links.delete("eth1"),
    "done: add-addr 10.0.1.1: eth1 has been up for 0.04 s",
  ],
  [
    "an address is removed",
    (interfaces) => remove(interfaces, "10.0.1.1"),
    "done: del-addr 10.0.1.1: eth1 has it no more",
  ],
  [
    "and added",
    ({ addresses }) => addresses.push({ address: "10.0.1.1", dev: "eth1" }),
    "done: add-addr 10.0.1.1: eth1 has had it for 0.04 s",
  ],
  [
    "a device is deleted",
    (_, { devices }) => devices.delete("eth1"),
    "done: del-addr 10.0.1.1: eth1 is gone",
  ],
  [
    "and made again, with another index",
    ({ addresses }, { devices }) => {
      devices.set("eth1", 77);
      addresses.push({ address: "10.0.1.1", dev: "eth1" });
    },
    "done: add-addr 10.0.1.1: eth1 has had it for 0.04 s",
  ],
];

for (const [name, text] of Object.entries({ named: BOTH, matched: UPLINKS })) {
  Deno.test(`endpoints that are ${name} follow the network`, async () => {
    await using agent = new Running(host(text));
    await agent.expect(...START);
    for (const [what, change, ...lines] of HAPPENINGS) {
      agent.kernel.changeNetwork((interfaces) =>
        change(interfaces, agent.kernel)
      );
      await agent.expect(...lines);
      const isThere = lines[0]!.includes("add-addr");
      assertEquals(addresses(agent.kernel).length, isThere ? 2 : 1, what);
    }
    assertEquals(agent.kernel.endpoints()[1]!.ifIndex, 77);
    await agent.expectCalm();
  });
}

Deno.test("a renamed device has its endpoints as its name fits", async () => {
  await using agent = new Running(host(UPLINKS));
  await agent.expect(...START);
  const rename = (from: string, to: string) =>
    agent.kernel.changeNetwork(({ addresses }) => {
      agent.kernel.devices.delete(from);
      agent.kernel.devices.set(to, 3);
      const index = addresses.findIndex(({ dev }) => dev === from);
      addresses[index] = { ...addresses[index]!, dev: to };
    });
  rename("eth1", "wlan0");
  await agent.expect("done: del-addr 10.0.1.1: the file does not want it");
  rename("wlan0", "eth5");
  await agent.expect("done: add-addr 10.0.1.1: the file wants it");
});

Deno.test("a second address of a device takes over when the first is gone", async () => {
  await using agent = new Running(host(UPLINKS));
  await agent.expect(...START);
  const { kernel } = agent;
  // The kernel lists the newest IPv6 address first.
  kernel.changeNetwork(({ addresses }) =>
    addresses.unshift({ address: "10.0.1.9", dev: "eth1" })
  );
  await agent.expectCalm();
  kernel.changeNetwork((interfaces) => remove(interfaces, "10.0.1.1"));
  await agent.expect(
    "done: del-addr 10.0.1.1: eth1 has it no more",
    "done: add-addr 10.0.1.9: the file wants it",
  );
});

Deno.test("an IPv6 address counts when no other host has it", async () => {
  await using agent = new Running(host(UPLINKS));
  await agent.expect(...START);
  const { kernel } = agent;
  const set = (flags?: ["tentative"]) =>
    kernel.changeNetwork(({ addresses }) =>
      addresses[2] = { address: "fd00::1", dev: "eth1", ...flags && { flags } }
    );
  set(["tentative"]);
  await agent.expectCalm(150);
  set();
  await agent.expect("done: add-addr fd00::1: no other host has it");
});

Deno.test("an endpoint comes when a peer of a live connection can be reached", async () => {
  const kernel = host(UPLINKS);
  const { routes } = kernel.interfaces!;
  routes.push({ to: "default", via: "10.0.0.254", dev: "eth0" });
  const connection = kernel.connect(5, {
    ...{ pathManager: "kernel", local: { address: "10.0.0.1", port: 1 } },
    remote: { address: "192.0.2.1", port: 443 },
  });
  connection.set({ remoteKeyReceived: true });
  await using agent = new Running(kernel);
  await agent.expect(...START);
  kernel.changeNetwork(({ links }) => links.set("eth1", { flags: [] }));
  await agent.expect("done: del-addr 10.0.1.1: eth1 is down");
  kernel.changeNetwork(({ links }) => links.delete("eth1"));
  await agent.expectCalm(300);
  kernel.changeNetwork(() =>
    routes.push({ to: "default", via: "10.0.1.254", dev: "eth1", metric: 9 })
  );
  await agent.expect("done: add-addr 10.0.1.1: there is a route by eth1");
  await agent.expectCalm();
});

Deno.test("an endpoint is deleted and added when peers can be reached later", async () => {
  const kernel = host(UPLINKS);
  const { routes } = kernel.interfaces!;
  routes.push({ to: "default", via: "10.0.0.254", dev: "eth0" });
  kernel.connect(5, {
    ...{ pathManager: "kernel", local: { address: "10.0.0.1", port: 1 } },
    remote: { address: "192.0.2.1", port: 443 },
  }).set({ remoteKeyReceived: true });
  await using agent = new Running(kernel);
  await agent.expect(...START);
  kernel.changeNetwork(() =>
    routes.push({ to: "default", via: "10.0.1.254", dev: "eth1", metric: 9 })
  );
  const why = "peers can be reached from it now: live connections try again";
  await agent.expect(
    `done: del-addr 10.0.1.1: ${why}`,
    `done: add-addr 10.0.1.1: ${why}`,
  );
  await agent.expectCalm();
});

Deno.test("an endpoint stays without carrier while connections have nothing else", async () => {
  const kernel = host(BOTH);
  const connection = kernel.connect(5, {
    ...{ pathManager: "kernel", local: { address: "10.0.1.1", port: 1 } },
    remote: { address: "10.0.1.2", port: 443 },
  });
  connection.set({ remoteKeyReceived: true });
  await using agent = new Running(kernel);
  await agent.expect(...START);
  kernel.changeNetwork(({ links }) => links.set("eth1", { flags: ["up"] }));
  await agent.expectCalm();
  kernel.changeNetwork(({ links }) => links.delete("eth1"));
  await agent.expectCalm();
  kernel.changeNetwork(({ links }) => links.set("eth1", { flags: [] }));
  await agent.expectCalm();
  // No event of the network tells that it ended.
  connection.close();
  await agent.expect("done: del-addr 10.0.1.1: eth1 is down");
});

Deno.test("an address that is only announced may be another's, until it was here", async () => {
  const kernel = host(`
endpoints:
  - { address: 203.0.113.1, flags: [signal] }
  - { address: 203.0.113.2, flags: [subflow] }
  - { address: 203.0.113.3, dev: eth9, flags: [signal] }
`);
  await using agent = new Running(kernel);
  await agent.expect(
    "waiting: 203.0.113.2: this host does not have 203.0.113.2",
    "waiting: 203.0.113.3: there is no eth9",
    "warning: 203.0.113.1 is not on this host; right behind NAT only",
    "done: add-addr 203.0.113.1: the file wants it",
    "ready: 1, 2 waiting",
  );
  assertEquals(agent.status, { endpoints: 1, waiting: 2 });
  kernel.changeNetwork(({ addresses }) =>
    addresses.push({ address: "203.0.113.1", dev: "eth0" })
  );
  await agent.expectCalm();
  kernel.changeNetwork((interfaces) => remove(interfaces, "203.0.113.1"));
  await agent.expect("done: del-addr 203.0.113.1: eth0 has it no more");
});

Deno.test("the agent looks at everything when messages were lost", async () => {
  await using agent = new Running(host(BOTH));
  await agent.expect(...START);
  // It has looked at what it did itself.
  await agent.expectCalm();
  remove(agent.kernel.interfaces!, "10.0.1.1");
  await agent.expectCalm();
  agent.kernel.emitOverrun();
  await agent.expect("done: del-addr 10.0.1.1: eth1 has it no more");
});

Deno.test("the file is taken when it is right, and kept when it is not there", async () => {
  await using agent = new Running(host(BOTH), { tickMs: 30 });
  const { files } = agent.kernel;
  await agent.expect(...START);
  files.set(FILE, "limits: { subflows: 3 }" + BOTH);
  await agent.expect(
    "file: taken",
    'done: set-limits {"subflows":3}: the file wants it',
  );
  files.set(FILE, "limits: { subflow: 4 }");
  await agent.expect(
    "file: refused: /etc/mptcp.yaml:1:11: limits.subflow: unknown key " +
      '"subflow" (did you mean "subflows"?)',
  );
  await agent.expectCalm();
  files.delete(FILE);
  await agent.expect(
    `file: unreadable: Cannot read ${FILE}: there is no such file`,
  );
  await agent.expectCalm();
  // An endpoint that the file had goes, the limits stay.
  files.set(FILE, BOTH.replace(/\n.*10\.0\.1\.1.*/, ""));
  await agent.expect(
    "file: taken",
    "done: del-addr 10.0.1.1: the file does not want it",
  );
  agent.reload();
  await agent.expect("file: same");
  files.set(FILE, BOTH);
  agent.reload();
  await agent.expect(
    "file: taken",
    "done: add-addr 10.0.1.1: the file wants it",
  );
});

Deno.test("what another program changes is changed back, once in a while", async () => {
  await using agent = new Running(host("limits: { subflows: 3 }" + BOTH));
  const { kernel } = agent;
  using pm = PathManager.open({ namespace: kernel });
  await agent.expect(
    'done: set-limits {"subflows":3}: the file wants it',
    ...START,
  );
  pm.setLimits({ subflows: 1 });
  pm.setFlags({ address: "10.0.0.1", backup: true });
  pm.delAddr({ address: "10.0.1.1" });
  const back = [
    'set-limits {"subflows":3}',
    "set-flags 10.0.0.1",
    "add-addr 10.0.1.1",
  ];
  const by = ["changed", "changed", "removed"];
  await agent.expect(
    ...back.map((what, at) => `done: ${what}: another program ${by[at]} it`),
  );
  // What is not in the file is left alone.
  pm.addAddr({ address: "10.9.9.9", flags: ["subflow"] });
  pm.delAddr({ address: "10.0.1.1" });
  await agent.expect("undone: add-addr 10.0.1.1");
  await agent.expectCalm();
  assertEquals(addresses(kernel), ["10.0.0.1", "10.9.9.9"]);
  agent.reload();
  await agent.expect(
    "file: same",
    "done: add-addr 10.0.1.1: another program removed it",
  );
});

Deno.test("what another program takes back at once is seen at the next tick", async () => {
  const kernel = host("limits: { subflows: 3 }" + BOTH);
  await using agent = new Running(kernel, { tickMs: 400 });
  using pm = PathManager.open({ namespace: kernel });
  const { subflows } = pm.getLimits();
  await agent.expect(
    'done: set-limits {"subflows":3}: the file wants it',
    ...START,
  );
  // All is as it was before the agent began.
  pm.setLimits({ subflows });
  pm.flushAddrs();
  // It would be seen after 12 seconds in any case.
  await until(() => agent.lines.length > 0, "it is changed back", 10_000);
  await agent.expect(
    'done: set-limits {"subflows":3}: another program changed it',
    "done: add-addr 10.0.0.1: another program removed it",
    "done: add-addr 10.0.1.1: another program removed it",
  );
});

Deno.test("a mode that another program changes is seen before Linux 6.15, too", async () => {
  const kernel = host("settings: { path_manager: kernel }");
  kernel.sysctls.delete("path_manager");
  kernel.sysctls.set("pm_type", "0");
  await using agent = new Running(kernel, { tickMs: 200 });
  await agent.expect("ready: 0, 0 waiting");
  kernel.sysctls.set("pm_type", "1");
  // It would be seen after 6 seconds in any case.
  await until(() => agent.lines.length > 0, "it is changed back", 5000);
  await agent.expect('done: write-setting "0": another program changed it');
});

Deno.test("what is not in the file goes with `prune`, whoever made it", async () => {
  const kernel = host(BOTH);
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.9.9.9", flags: ["signal"] });
  await using agent = new Running(kernel, { prune: true });
  await agent.expect(
    "done: del-addr 10.9.9.9: the file does not want it",
    ...START,
  );
  pm.addAddr({ address: "10.9.9.8", flags: ["signal"] });
  await agent.expect("done: del-addr 10.9.9.8: another program added it");
  kernel.files.set(FILE, "{}");
  await agent.expect(
    "file: refused: Cannot be applied: prune removes endpoints that are not " +
      "in the file, and the file has no endpoints: an empty list, written " +
      "out, means none",
  );
});

Deno.test("what the kernel refuses waits, longer each time, or for a change", async () => {
  const kernel = host(`
endpoints:
  - { address: 10.0.0.1, port: 80, flags: [signal] }
`);
  let errno = 98;
  kernel.network = { listen: () => errno };
  await using agent = new Running(kernel);
  const refused =
    "refused: Cannot add address: create listen socket error: -98 ";
  await agent.expect(`${refused}: 1`);
  const firstMs = agent.lastMs;
  // What changes besides does not make it try again.
  kernel.changeNetwork(({ links }) => links.set("eth1", { flags: [] }));
  await agent.expect(`${refused}: 2`);
  assert(agent.lastMs - firstMs > 500);
  assertEquals(agent.status?.endpoints, 0);
  errno = 0;
  agent.reload();
  await agent.expect(
    "file: same",
    "done: add-addr 10.0.0.1: the file wants it",
    "ready: 1, 0 waiting",
  );
  assertEquals(agent.status, { endpoints: 1, waiting: 0 });
});

Deno.test("at the end endpoints stay, or go with `clean`", async () => {
  const kernel = host("limits: { subflows: 3 }" + BOTH);
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.9.9.9", flags: ["signal"] });
  for (const clean of [false, true]) {
    const agent = new Running(kernel, { clean });
    await until(() => agent.lines.at(-1)?.startsWith("ready"), "the start");
    await agent[Symbol.asyncDispose]();
    const rest = clean ? ["10.9.9.9"] : ["10.9.9.9", "10.0.0.1", "10.0.1.1"];
    assertEquals(addresses(kernel), rest);
  }
  // Where the loop over the events is left, too.
  const options = { namespace: kernel, clean: true };
  for await (const { type } of watch(FILE, options)) {
    if (type === "ready") break;
  }
  assertEquals(addresses(kernel), ["10.9.9.9"]);
  assertEquals(kernel.limits.subflows, 3);
});

Deno.test("whatever happens, the endpoints are in the end what they should be", async () => {
  const random = generator(11);
  const kernel = host(UPLINKS);
  const devices = ["eth0", "eth1", "eth2"];
  const flags: LinkFlag[][] = [[], ["up"], ["up", "running"], [
    "up",
    "running",
  ]];
  const states: AddressFlag[][] = [["tentative"], [], [], ["deprecated"]];
  let index = 10;
  const change = ({ links, addresses, routes }: FakeInterfaces) => {
    const dev = pick(random, devices);
    switch (random(6)) {
      case 0:
        if (!kernel.devices.delete(dev)) kernel.devices.set(dev, index++);
        return;
      case 1: {
        const at = addresses.findIndex((one) => one.dev === dev);
        if (at >= 0) return addresses.splice(at, 1);
        const address = `10.0.${devices.indexOf(dev)}.1`;
        return addresses.push({ address, dev, flags: pick(random, states) });
      }
      case 2: {
        const at = addresses.findIndex((one) => one.dev === dev);
        if (at < 0) return;
        return addresses[at] = {
          ...addresses[at]!,
          flags: pick(random, states),
        };
      }
      case 3:
        return routes.push({ to: "default", via: "10.0.0.254", dev });
      default:
        return links.set(dev, { flags: pick(random, flags) });
    }
  };
  const wanted = () => {
    const { links, addresses } = kernel.interfaces!;
    return addresses.filter(({ dev, flags = [] }) =>
      kernel.devices.has(dev) && flags.length === 0 &&
      links.get(dev)?.flags?.includes("running") !== false
    ).map(({ address, dev }) => `${address} ${kernel.devices.get(dev)}`)
      .toSorted();
  };
  await using agent = new Running(kernel, { settleMs: 5, prune: true });
  await agent.expect(...START);
  for (let round = 0; round < 60; round++) {
    for (let count = random(6); count >= 0; count--) {
      kernel.changeNetwork(change);
      if (random(3) === 0) await new Promise((end) => setTimeout(end, 3));
    }
    const found = () =>
      kernel.endpoints().map(({ address, ifIndex }) => `${address} ${ifIndex}`)
        .toSorted();
    await until(
      () => JSON.stringify(found()) === JSON.stringify(wanted()),
      `round ${round}: ${wanted()}`,
    );
  }
});

Deno.test("an agent does not begin with what is wrong, or with another one", async () => {
  const begin = async (kernel: FakeKernel, options: WatchOptions = {}) => {
    for await (const _ of watch(FILE, { namespace: kernel, ...options })) break;
  };
  const rows: [string | undefined, WatchOptions, new () => Error][] = [
    [undefined, {}, Deno.errors.NotFound],
    ["", {}, DocumentError as never],
    ["{}", { prune: true }, PlanError as never],
    ["settings: { no_such: 1 }", {}, PlanError as never],
  ];
  for (const [text, options, type] of rows) {
    const kernel = host(text ?? "");
    if (text === undefined) kernel.files.delete(FILE);
    await assertRejects(() => begin(kernel, options), type);
    assertEquals(kernel.endpoints(), []);
    assertEquals(kernel.claimed.size, 0);
  }
  for (const name of ["settleMs", "tickMs"]) {
    for (const value of [-1, NaN, 600_001]) {
      await assertRejects(
        () => begin(host("{}"), { [name]: value }),
        RangeError,
        `Invalid ${name} ${value}: a number from `,
      );
    }
  }
  const unreadable = host("");
  unreadable.readFile = () => {
    throw new SyscallError("open", EACCES, `read ${FILE}`);
  };
  await assertRejects(
    () => begin(unreadable),
    SyscallError,
    `Cannot read ${FILE}: Permission denied (open: EACCES)`,
  );
  for (const code of [EACCES, EROFS]) {
    const kernel = host("settings: { enabled: false }");
    kernel.files.set("/proc/sys/net/mptcp/enabled", "1\n");
    kernel.writeFile = () => {
      throw new SyscallError("open", code, "write");
    };
    await assertRejects(() => begin(kernel), ApplyError, "nothing was changed");
  }
  const kernel = host(BOTH);
  await using agent = new Running(kernel);
  await agent.expect(...START);
  await assertRejects(() => begin(kernel), PlanError, "another mptcp watch");
  await begin(kernel, { takeover: true });
  kernel.files.set(FILE, "governs: { ids: 7-9 }\nendpoints: []");
  await begin(kernel);
});
