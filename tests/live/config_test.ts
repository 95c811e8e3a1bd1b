/** Plans, done by the running kernel under live connections. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  apply,
  ApplyError,
  type Config,
  type Contents,
  goBack,
  type Plan,
  plan,
  PlanError,
  readState,
} from "../../config/mod.ts";
import { Diag } from "../../diag/mod.ts";
import { type EndpointFlag, PathManager } from "../../mod.ts";
import { Lab, type LabConnection, waitFor } from "../../testing/lab.ts";
import type { Host } from "../../testing/host.ts";
import { liveTest } from "../helpers/live.ts";
import { goThere } from "../helpers/plan_rounds.ts";
import { generatorAt, type Random } from "../helpers/random.ts";
import { ConfigGenerator, type HostNames } from "../helpers/random_config.ts";

const FLAGS = ["signal", "subflow", "backup", "fullmesh", "implicit"] as const;

function namesOf(host: Host): HostNames {
  const own = [1, 2, 3].flatMap((path) => [
    host.address(path),
    host.address6(path),
  ]);
  return {
    addresses: [...own, "192.0.2.7", `::ffff:${host.address(2)}`],
    own,
    devices: [1, 2, 3].map((path) => host.dev(path)),
    settings: { add_addr_timeout: ["60", "0"], stale_loss_cnt: ["4", "9"] },
    capacity: 8,
  };
}

/** What `ip` and `sysctl` show. */
function contentsOf(host: Host): Contents {
  const links: { ifname: string; ifindex: number }[] = JSON.parse(
    host.ip("-j", "link"),
  );
  const [, addAddrAccepted, subflows] = host.ip("mptcp", "limits", "show")
    .match(/add_addr_accepted (\d+) subflows (\d+)/)!.map(Number);
  return {
    endpoints: host.endpoints().map((one) => ({
      address: one["address"] as string,
      port: (one["port"] ?? 0) as number,
      id: one["id"] as number,
      flags: [
        ...FLAGS.filter((flag) => one[flag]),
        // This version of `ip` has no word for it.
        ...one["rawflags"] === "20" ? ["laminar"] as const : [],
      ],
      ifIndex: links.find(({ ifname }) => ifname === one["dev"])?.ifindex ?? 0,
    })),
    limits: { subflows: subflows!, addAddrAccepted: addAddrAccepted! },
    settings: Object.fromEntries(
      Array.from(
        host.exec("sysctl", "-ar", "^net[.]mptcp[.]")
          .matchAll(/^net\.mptcp\.(\w+) = (.*)$/mg),
        ([, name, value]) => [name, value],
      ),
    ),
  };
}

liveTest("a plan from A leads to B, as `ip` sees it, and back", () => {
  using lab = Lab.open({ paths: 3 });
  const { client } = lab;
  let steps = 0;
  for (let index = 0; index < 12; index++) {
    steps += goThere(generatorAt(2, "live plan", index), "all", {
      names: namesOf(client),
      at: { netns: client.netns },
      contents: () => contentsOf(client),
    });
  }
  assert(steps > 25, `${steps} steps only`);
});

/** A lab with a connection, and what its client is made to be. */
class Scene implements Disposable {
  readonly lab: Lab = Lab.open({ paths: 3 });
  readonly at: { readonly netns: string } = { netns: this.lab.client.netns };
  readonly #diag: Diag = Diag.open(this.at);
  #connection: LabConnection | undefined;

  constructor() {
    using peer = PathManager.open({ netns: this.lab.server.netns });
    peer.setLimits({ subflows: 8, addAddrAccepted: 8 });
  }

  connect(): void {
    this.#connection = this.lab.connect();
    this.settle();
  }

  /** Waits until the connection has done all that it is about to do. */
  settle(): void {
    let before = "";
    let calm = 0;
    waitFor(
      () => {
        this.#connection!.transfer(2000);
        const now = JSON.stringify([...this.subflows()]);
        calm = now === before ? calm + 1 : 0;
        before = now;
        return calm > 15;
      },
      "the connection to be calm",
    );
  }

  /** The subflows that are open, by their cookies, which none has again. */
  subflows(): Map<number, string> {
    return new Map(
      Iterator.from(this.#diag.connections()).flatMap(({ subflows }) =>
        subflows.filter(({ state }) => state === "established")
          .map(({ cookie, local, backup, initial }) => [
            cookie,
            `${local.address}${backup ? " backup" : ""}${
              initial ? " initial" : ""
            }`,
          ])
      ),
    );
  }

  plan(config: Config): Plan {
    return plan(config, readState(this.at), { prune: true });
  }

  /** Does a plan, and tells what became of the subflows that there were. */
  go(made: Plan): { closed: number; changed: number; opened: number } {
    const before = this.subflows();
    assertEquals(apply(made, this.at).differences, []);
    this.settle();
    const after = this.subflows();
    const kept = [...before].filter(([cookie]) => after.has(cookie));
    return {
      closed: before.size - kept.length,
      changed: kept.filter(([cookie, text]) => after.get(cookie) !== text)
        .length,
      opened: after.size - kept.length,
    };
  }

  [Symbol.dispose](): void {
    this.#connection?.close();
    this.#diag.close();
    this.lab.close();
  }
}

/** What a plan says of live connections. */
function told(
  { steps }: Plan,
  name: keyof Plan["steps"][number]["effect"],
): number {
  return steps.reduce((sum, { effect }) => sum + (effect[name] ?? 0), 0);
}

const limits = { subflows: 8, addAddrAccepted: 8 };

/** The same endpoints, some of which change what can change. */
function toggled(random: Random, config: Config): Config {
  const flip = (flags: readonly EndpointFlag[], flag: EndpointFlag) =>
    flags.includes(flag)
      ? flags.filter((one) => one !== flag)
      : [...flags, flag];
  return {
    ...config,
    endpoints: config.endpoints!.map((one) => {
      const { flags } = one;
      const flag = random(3) === 0 && !flags.includes("signal")
        ? "fullmesh"
        : "backup";
      return random(2) === 0 ? one : { ...one, flags: flip(flags, flag) };
    }),
  };
}

liveTest("subflows close, stay and change as a plan tells", () => {
  using scene = new Scene();
  const { client } = scene.lab;
  const names = namesOf(client);
  // The initial subflow keeps the connection alive, and all devices lead there.
  const others = {
    ...names,
    addresses: [2, 3].map((path) => client.address(path)),
    // The kernel cannot listen on a port at once that subflows had.
    own: [],
    settings: {},
  };
  const devices = [2, 3].map((path) => client.dev(path));
  const configs = (random: Random): Config => ({
    limits,
    governs: "all",
    endpoints: new ConfigGenerator(random, others).config().endpoints!
      .map((one) => {
        if ("match" in one) {
          return { ...one, match: { ...one.match, dev: devices } };
        }
        const { dev, ...rest } = one;
        const own = devices[others.addresses.indexOf(one.address)]!;
        return dev === undefined ? rest : { ...rest, dev: own };
      }),
  });
  apply(scene.plan({ limits, governs: "all", endpoints: [] }), scene.at);
  scene.connect();
  const seen = { closed: 0, changed: 0, opened: 0, steps: 0 };
  let config: Config = { governs: "all", endpoints: [] };
  for (let index = 0; index < 24; index++) {
    const random = generatorAt(3, "live effect", index);
    // A new one, and then some with other priorities.
    config = index % 4 === 0 ? configs(random) : toggled(random, config);
    const made = scene.plan(config);
    const { closed, changed, opened } = scene.go(made);
    assertEquals(
      { index, closed, changed },
      {
        index,
        closed: told(made, "closes"),
        changed: told(made, "changesPriority"),
      },
      JSON.stringify(made.steps),
    );
    seen.closed += closed;
    seen.changed += changed;
    seen.opened += opened;
    seen.steps += made.steps.length;
  }
  for (const count of Object.values(seen)) {
    assert(count > 3, JSON.stringify(seen));
  }
});

liveTest("what an endpoint of the first address carries is told, too", () => {
  using scene = new Scene();
  const { client } = scene.lab;
  const first = (...flags: EndpointFlag[]): Config => ({
    limits,
    governs: "all",
    endpoints: [
      { address: client.address(1), flags, place: 0 },
      { address: client.address(2), flags: ["subflow"], place: 1 },
    ],
  });
  apply(scene.plan(first("subflow")), scene.at);
  scene.connect();
  const steps: readonly [Config, Record<string, number>][] = [
    [first("subflow", "backup"), { changesPriority: 1 }],
    // The kernel does not open the initial subflow again.
    [first("subflow", "backup", "fullmesh"), { closes: 1 }],
    [first("signal"), { mayOpen: 1 }],
  ];
  for (const [config, effect] of steps) {
    const made = scene.plan(config);
    const told = Object.assign({}, ...made.steps.map(({ effect }) => effect));
    assertEquals([told, made.warnings], [effect, []]);
    const { closed, changed } = scene.go(made);
    assertEquals([closed, changed], [
      effect["closes"] ?? 0,
      effect["changesPriority"] ?? 0,
    ]);
  }
  const none = scene.plan({ ...first(), endpoints: [] });
  assertEquals(none.warnings.map((text) => text.split(",")[0]), [
    "1 connection loses its last subflow",
  ]);
  const { undo } = apply(none, scene.at);
  assertEquals(scene.subflows().size, 0);
  // A new endpoint brings it back.
  assertEquals(goBack(undo, scene.at), []);
  scene.settle();
  assertEquals(scene.subflows().size, 1);
});

liveTest("a port that subflows had cannot be listened on at once", () => {
  using lab = Lab.open({ paths: 2 });
  const { server } = lab;
  using client = PathManager.open({ netns: lab.client.netns });
  client.setLimits({ subflows: 2, addAddrAccepted: 2 });
  const at = { netns: server.netns };
  const config = (dev?: string): Config => ({
    governs: "all",
    endpoints: [{
      ...{ address: server.address(2), port: 10100, place: 0 },
      flags: ["signal"],
      ...dev !== undefined && { dev },
    }],
  });
  apply(plan(config(), readState(at)), at);
  using connection = lab.connect();
  connection.transfer(1000);
  waitFor(() => server.subflows().length === 2, "a subflow to the port");
  const wanted = config(server.dev(2));
  assertThrows(
    () => plan(wanted, readState(at)),
    PlanError,
    "its dev cannot change while it carries subflows",
  );
  // The kernel would have refused it half-way.
  const made = plan(wanted, { ...readState(at), carried: [] });
  const { done, cause } = assertThrows(() => apply(made, at), ApplyError);
  assertEquals(done.length, 1);
  assertMatch(cause.message, /EADDRINUSE/);
});
