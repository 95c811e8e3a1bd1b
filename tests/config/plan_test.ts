import { assert, assertEquals, assertThrows } from "@std/assert";
import { planOutput } from "../../cli/objects/plan_output.ts";
import { PLAIN } from "../../cli/style.ts";
import type { Config, Governs, WantedEndpoint } from "../../config/config.ts";
import { plan, PlanError } from "../../config/plan.ts";
import type { PresentState } from "../../config/state.ts";
import { endpoint, presentState } from "../helpers/present_state.ts";

/** A wanted endpoint as the helper writes one; the id 0 is none. */
function wanted(text: string, place: number): WantedEndpoint {
  const { id, port, ifIndex, dev = `if${ifIndex}`, ...others } = endpoint(text);
  return {
    ...others,
    place,
    ...id !== 0 && { id },
    ...port !== 0 && { port },
    ...ifIndex !== 0 && { dev },
  };
}

/** A file with these endpoints, and more. */
function config(
  endpoints: readonly string[] | undefined,
  others: Partial<Config> = {},
): Config {
  return {
    ...endpoints && { endpoints: endpoints.map(wanted) },
    ...others,
  };
}

type Row = readonly [
  what: string,
  present: readonly string[],
  wanted: readonly string[],
  lines: readonly string[],
  options?: {
    readonly prune?: boolean;
    readonly governs?: Governs;
    readonly state?: Partial<Omit<PresentState, "endpoints">>;
  },
];

const prune = { prune: true };
const nothing = (kept: number) => [`nothing to do: ${kept} as they are`];
const sum = (
  add: number,
  change: number,
  replace: number,
  remove: number,
  keep: number,
) =>
  `${add} to add, ${change} to change, ${replace} to replace, ` +
  `${remove} to remove, ${keep} as they are`;
const stays = (...addresses: string[]) =>
  addresses.length === 1
    ? `1 other endpoint stays: ${addresses}`
    : `${addresses.length} other endpoints stay: ${addresses.join(", ")}`;
const FULL = Array.from(
  { length: 8 },
  (_, at) => `${at + 1} 10.9.0.${at} subflow`,
);

/** What is there and wanted, and what people are told. */
const ROWS: readonly Row[] = [
  ["nothing is wanted", [], [], nothing(0), prune],
  [
    "as it is, in other words",
    ["3 ::ffff:10.0.0.1 subflow,backup eth0"],
    ["0 ::FFFF:10.0.0.1 backup,subflow eth0"],
    nothing(1),
  ],
  [
    "an id that the kernel chose is as good as any",
    ["3 10.0.0.1 subflow"],
    ["0 10.0.0.1 subflow"],
    nothing(1),
  ],
  [
    "added, those with an id first; what is not wanted stays",
    ["3 10.0.9.1 subflow"],
    ["0 10.0.0.1 subflow eth0", "5 10.0.1.1#80 signal"],
    [
      "+ 10.0.1.1 port 80 id 5 signal (endpoints[1])",
      "+ 10.0.0.1 subflow dev eth0 (endpoints[0])",
      stays("10.0.9.1"),
      sum(2, 0, 0, 0, 0),
    ],
  ],
  [
    "an address with ports and without is several endpoints",
    ["1 10.0.0.1#80 signal", "2 10.0.0.1#81 signal", "3 10.0.0.1 subflow"],
    ["0 10.0.0.1#81 signal", "0 10.0.0.1 subflow"],
    [
      "- 10.0.0.1 port 80 id 1 signal (not in the file)",
      sum(0, 0, 0, 1, 2),
    ],
    prune,
  ],
  [
    "backup and fullmesh change, together and alone",
    [
      "1 10.0.0.1 subflow,backup",
      "2 10.0.1.1 subflow,fullmesh eth1",
      "3 10.0.2.1 -",
      "4 10.0.3.1 backup",
    ],
    [
      "0 10.0.0.1 subflow,fullmesh",
      "2 10.0.1.1 subflow eth1",
      "0 10.0.2.1 backup",
      "0 10.0.3.1 -",
    ],
    [
      "~ 10.0.0.1 id 1 subflow backup -> subflow fullmesh (endpoints[0])",
      "~ 10.0.1.1 id 2 subflow fullmesh dev eth1 -> subflow (endpoints[1])",
      "~ 10.0.2.1 id 3 -> backup (endpoints[2])",
      "~ 10.0.3.1 id 4 backup -> no flags (endpoints[3])",
      sum(0, 4, 0, 0, 0),
    ],
  ],
  [
    "other flags, the device, the id and the form of the address cannot change",
    [
      ...["1 10.0.0.1 subflow eth0", "2 10.0.1.1 subflow eth1"],
      ...["3 10.0.2.1 subflow", "4 10.0.3.1 subflow,backup wlan0"],
    ],
    [
      ...["0 10.0.0.1 subflow,signal eth0", "0 10.0.1.1 subflow"],
      ...["9 ::ffff:10.0.2.1 subflow", "0 10.0.3.1 laminar eth0"],
    ],
    [
      "-/+ 10.0.2.1 id 3 subflow -> ::ffff:10.0.2.1 id 9 subflow (endpoints[2], replaced: its address and id cannot change)",
      "-/+ 10.0.0.1 id 1 subflow dev eth0 -> 10.0.0.1 signal subflow dev eth0 (endpoints[0], replaced: its flags cannot change)",
      "-/+ 10.0.1.1 id 2 subflow dev eth1 -> 10.0.1.1 subflow (endpoints[1], replaced: its dev cannot change)",
      "-/+ 10.0.3.1 id 4 subflow backup dev wlan0 -> 10.0.3.1 laminar dev eth0 (endpoints[3], replaced: its dev and flags cannot change)",
      sum(0, 0, 4, 0, 0),
    ],
  ],
  [
    "a device that was made again has another index",
    ["1 10.0.0.1 subflow if9"],
    ["0 10.0.0.1 subflow eth0"],
    [
      "-/+ 10.0.0.1 id 1 subflow dev if9 -> 10.0.0.1 subflow dev eth0 (endpoints[0], replaced: its dev cannot change)",
      sum(0, 0, 1, 0, 0),
    ],
  ],
  [
    "before Linux 5.18 fullmesh cannot change",
    ["1 10.0.0.1 subflow,backup"],
    ["0 10.0.0.1 subflow,fullmesh"],
    [
      "-/+ 10.0.0.1 id 1 subflow backup -> 10.0.0.1 subflow fullmesh (endpoints[0], replaced: its flags cannot change)",
      sum(0, 0, 1, 0, 0),
    ],
    { state: { kernel: "5.17.3" } },
  ],
  [
    "what a kernel drops is no difference",
    ["1 10.0.0.1 subflow", "2 10.0.1.1 subflow,0x40"],
    ["0 10.0.0.1 subflow,laminar", "0 10.0.1.1 subflow"],
    nothing(2),
    { state: { kernel: "6.12.95" } },
  ],
  [
    "two exchange their ids",
    ["1 10.0.0.1 subflow", "2 10.0.1.1 subflow"],
    ["2 10.0.0.1 subflow", "1 10.0.1.1 subflow"],
    [
      "-/+ 10.0.0.1 id 1 subflow -> 10.0.0.1 id 2 subflow (endpoints[0], replaced: its id cannot change)",
      "-/+ 10.0.1.1 id 2 subflow -> 10.0.1.1 id 1 subflow (endpoints[1], replaced: its id cannot change)",
      sum(0, 0, 2, 0, 0),
    ],
  ],
  [
    "one gives its id away, which nobody asked it for",
    ["1 10.0.0.1 subflow"],
    ["0 10.0.0.1 subflow,backup", "1 10.0.1.1 subflow"],
    [
      "+ 10.0.1.1 id 1 subflow (endpoints[1])",
      "-/+ 10.0.0.1 id 1 subflow -> 10.0.0.1 subflow backup (endpoints[0], replaced: its id cannot change)",
      sum(1, 0, 1, 0, 0),
    ],
  ],
  [
    "an id is free once its owner is removed",
    ["1 10.0.9.1 subflow"],
    ["1 10.0.0.1 subflow"],
    [
      "- 10.0.9.1 id 1 subflow (not in the file)",
      "+ 10.0.0.1 id 1 subflow (endpoints[0])",
      sum(1, 0, 0, 1, 0),
    ],
    prune,
  ],
  [
    "a full table needs removal first",
    FULL,
    ["0 10.0.0.1 subflow", ...FULL.slice(1).map((text) => `0${text.slice(1)}`)],
    [
      "- 10.9.0.0 id 1 subflow (not in the file)",
      "+ 10.0.0.1 subflow (endpoints[0])",
      sum(1, 0, 0, 1, 7),
    ],
    prune,
  ],
  [
    "an implicit endpoint is taken over, and one that is not wanted left alone",
    ["1 10.0.0.1 implicit", "2 10.0.1.1 implicit", "3 10.0.9.1 implicit"],
    ["0 10.0.0.1 subflow", "2 10.0.1.1 subflow eth1"],
    [
      "+ 10.0.0.1 subflow (endpoints[0])",
      "+ 10.0.1.1 subflow dev eth1 (endpoints[1])",
      stays("10.0.9.1"),
      sum(2, 0, 0, 0, 0),
    ],
    prune,
  ],
  [
    "an implicit endpoint has another id, or the one of another",
    ["1 10.0.0.1 implicit", "2 10.0.9.1 implicit"],
    ["7 10.0.0.1 subflow", "2 10.0.1.1 subflow"],
    [
      "- 10.0.9.1 id 2 implicit (not in the file)",
      "-/+ 10.0.0.1 id 1 implicit -> 10.0.0.1 id 7 subflow (endpoints[0], replaced: the kernel made it, with another id)",
      "+ 10.0.1.1 id 2 subflow (endpoints[1])",
      sum(1, 0, 1, 1, 0),
    ],
    prune,
  ],
  [
    "a full table takes no implicit endpoint over",
    [...FULL.slice(0, 7), "8 10.0.0.1 implicit"],
    ["0 10.0.0.1 subflow", ...FULL.slice(0, 7)],
    [
      "-/+ 10.0.0.1 id 8 implicit -> 10.0.0.1 subflow (endpoints[0], replaced: there is no room to take it over)",
      sum(0, 0, 1, 0, 7),
    ],
  ],
  [
    "ids that are governed: chosen from the highest, others left alone",
    ["1 10.0.9.1 subflow", "100 10.0.0.1 subflow", "102 10.0.1.1 subflow"],
    ["0 10.0.1.1 subflow eth1", "0 10.0.2.1 subflow", "0 10.0.9.1 subflow"],
    [
      "- 10.0.0.1 id 100 subflow (not in the file)",
      "-/+ 10.0.1.1 id 102 subflow -> 10.0.1.1 id 104 subflow dev eth1 (endpoints[0], replaced: its dev cannot change)",
      "+ 10.0.2.1 id 103 subflow (endpoints[1])",
      sum(1, 0, 1, 1, 1),
    ],
    { prune: true, governs: [[100, 104]] },
  ],
  [
    "an implicit endpoint gets an id that is governed",
    ["1 10.0.0.1 implicit"],
    ["0 10.0.0.1 subflow"],
    [
      "-/+ 10.0.0.1 id 1 implicit -> 10.0.0.1 id 255 subflow (endpoints[0], replaced: the kernel made it, with another id)",
      sum(0, 0, 1, 0, 0),
    ],
    { governs: [[255, 255]] },
  ],
];

const WIDE = { ...PLAIN, columns: 1000 };

function lines(
  [, present, wanted, , { prune = false, governs = "all", state } = {}]: Row,
): string[] {
  const made = plan(
    config(wanted, { governs }),
    presentState({ endpoints: present, ...state }),
    { prune },
  );
  return planOutput(made, WIDE).text.trimEnd().split("\n");
}

for (const row of ROWS) {
  Deno.test(`\`plan()\`: ${row[0]}`, () => assertEquals(lines(row), row[3]));
}

Deno.test("`plan()` sets limits and settings, and leaves the others", () => {
  const state = presentState();
  const text = (
    config: Omit<Config, "governs">,
    more: Partial<PresentState> = {},
  ) =>
    planOutput(plan({ ...config, governs: "all" }, { ...state, ...more }), WIDE)
      .text.trimEnd().split("\n");
  assertEquals(text({ limits: { subflows: 2 } }), nothing(1));
  assertEquals(text({ limits: { subflows: 8, addAddrAccepted: 0 } }), [
    "~ limits subflows 2 -> 8",
    sum(0, 1, 0, 0, 1),
  ]);
  assertEquals(text({ limits: { subflows: 0, addAddrAccepted: 3 } }), [
    "~ limits subflows 2 -> 0, add_addr_accepted 0 -> 3",
    sum(0, 2, 0, 0, 0),
  ]);
  assertEquals(
    text({
      settings: { enabled: "1", scheduler: "default", stale_loss_cnt: "04" },
    }),
    nothing(3),
  );
  assertEquals(
    text({
      settings: {
        enabled: "0",
        path_manager: "userspace",
        stale_loss_cnt: "5",
      },
    }),
    [
      "~ setting enabled 1 -> 0",
      "    for new connections",
      "~ setting path_manager kernel -> userspace",
      "    for new connections",
      "~ setting stale_loss_cnt 4 -> 5",
      sum(0, 3, 0, 0, 0),
    ],
  );
  // Linux 5.19 to 6.14.
  const older = { settings: { enabled: "1", pm_type: "0" } };
  assertEquals(
    text({ settings: { path_manager: "kernel" } }, older),
    nothing(1),
  );
  assertEquals(text({ settings: { path_manager: "userspace" } }, older), [
    "~ setting pm_type 0 -> 1",
    "    for new connections",
    sum(0, 1, 0, 0, 0),
  ]);
  // Both names, of which the first to be written changes the other one.
  const both = { path_manager: "userspace", pm_type: "1" };
  const { after } = plan({ settings: both, governs: "all" }, state);
  assertEquals([after.settings["path_manager"], after.settings["pm_type"]], [
    "userspace",
    "1",
  ]);
});

Deno.test("`plan()` puts first what may be refused without being foreseen", () => {
  const made = plan(
    config(["1 10.0.0.1 subflow", "0 10.0.1.1 subflow,backup"], {
      limits: { subflows: 3 },
      settings: { enabled: "0" },
    }),
    presentState({ endpoints: ["1 10.0.9.1 subflow", "2 10.0.1.1 subflow"] }),
    prune,
  );
  assertEquals(
    made.steps.map(({ op }) => op),
    ["write-setting", "set-limits", "del-addr", "set-flags", "add-addr"],
  );
});

/** What is wanted, why it is refused, and what there is. */
const REFUSALS: readonly [
  config: Config,
  reasons: readonly string[],
  state?: Parameters<typeof presentState>[0],
  prune?: boolean,
][] = [
  [
    { governs: "all" },
    ["prune removes endpoints that are not in the file, and the file has no endpoints: an empty list, written out, means none"],
    {},
    true,
  ],
  [
    {
      limits: { subflows: 9, addAddrAccepted: 64 },
      settings: {
        available_schedulers: "x",
        no_such: "1",
        path_manager: "mine",
        pm_type: "1",
        scheduler: "fastest",
      },
      governs: "all",
    },
    [
      "settings.pm_type: it is the older name of path_manager, and contradicts it",
      "settings.available_schedulers: it can only be read",
      "settings.no_such: this kernel has no net.mptcp.no_such",
      'settings.path_manager: there is no "mine": available are kernel, userspace',
      'settings.scheduler: there is no "fastest": available are default',
      "limits.subflows: 9 is more than this kernel takes, 8",
      "limits.add_addr_accepted: 64 is more than this kernel takes, 8",
    ],
  ],
  [
    config([
      "0 10.0.0.1 signal,fullmesh",
      "0 10.0.1.1#80 subflow",
      "0 10.0.2.1 implicit",
      "7 10.0.3.1 subflow",
      "7 10.0.4.1 subflow",
      "0 ::ffff:10.0.3.1 signal",
    ]),
    [
      "endpoints[0]: Contradicting flags: fullmesh goes with subflow, not with signal",
      "endpoints[1]: Contradicting flags: a port needs signal, and no subflow",
      "endpoints[2]: Contradicting flags: only the kernel itself makes endpoints implicit",
      "endpoints[4]: id 7 is wanted twice, by endpoints[3], too",
      "endpoints[5]: ::ffff:10.0.3.1 is wanted twice, by endpoints[3], too",
    ],
  ],
  [
    {
      governs: "all",
      endpoints: [{ address: "10.0.0.1", dev: "eth9", flags: [], place: 0 }],
    },
    ['endpoints[0]: there is no device "eth9" here'],
  ],
  [
    config(["7 10.0.0.1 subflow", "8 10.0.1.1 subflow"]),
    [
      "endpoints[0]: id 7 belongs to 10.0.9.1, which the file does not want: prune removes it",
      "endpoints[1]: id 8 belongs to 10.0.8.1, which the file does not want: prune removes it",
    ],
    { endpoints: ["7 10.0.9.1 subflow", "8 10.0.8.1 implicit"] },
  ],
  [
    config([...FULL, "0 10.0.0.1 subflow"]),
    ["too many endpoints: this kernel holds 8, the file wants 9"],
  ],
  [
    config(["0 10.0.0.1 subflow"]),
    ["too many endpoints: this kernel holds 8, the file wants 1, and 8 others stay: prune removes what the file does not want"],
    { endpoints: FULL },
  ],
  [
    config(["5 10.0.0.1 subflow", "0 10.0.1.1 subflow", "0 10.0.2.1 subflow"], {
      governs: [[100, 101]],
    }),
    [
      "endpoints[0]: id 5 is not one of the ids 100-101",
      "endpoints[2]: none of the ids 100-101 is free",
    ],
    { endpoints: ["100 10.0.9.1 subflow"] },
  ],
  [
    config(["0 10.0.0.1 subflow,backup", "0 10.0.1.1 signal"], {
      governs: [[100, 100], [200, 201]],
    }),
    [
      "endpoints[0]: 10.0.0.1 is an endpoint of somebody else, with id 1, and has other flags",
      "endpoints[1]: 10.0.1.1 is an endpoint of somebody else, with id 2, and has other dev, flags",
    ],
    { endpoints: ["1 10.0.0.1 subflow", "2 10.0.1.1 subflow eth1"] },
  ],
  [
    config([
      "0 10.0.0.1#80 signal",
      "0 10.0.1.1#81 signal",
      "0 fd00::1#82 signal",
    ]),
    [
      "endpoints[0]: something listens on port 80 of 10.0.0.1 already",
      "endpoints[1]: something listens on port 81 of 10.0.1.1 already",
    ],
    {
      listeners: [
        { address: "::ffff:10.0.0.1", port: 80 },
        { address: "0.0.0.0", port: 81 },
        // It may be for IPv4 alone, or IPv6 alone.
        { address: "0.0.0.0", port: 82 },
        { address: "fd00::1", port: 80 },
      ],
    },
  ],
  [
    config(["0 10.0.0.1#80 signal eth0", "0 10.0.1.1#80 signal eth1"]),
    [
      "endpoints[0]: its dev cannot change while it carries subflows: the kernel could not listen on its port again for a minute",
    ],
    {
      endpoints: ["1 10.0.0.1#80 signal", "2 10.0.1.1#80 signal"],
      carried: [{ id: 1, subflows: 1, connections: 1, initial: 0 }],
    },
  ],
];

Deno.test("`plan()` refuses what cannot be done, with all reasons", () => {
  for (const [config, reasons, state, prune = false] of REFUSALS) {
    const error = assertThrows(
      () => plan(config, presentState(state), { prune }),
      PlanError,
    );
    assertEquals(error.reasons, reasons);
    assertEquals(
      error.message.split("\n"),
      reasons.map((reason) => `Cannot be applied: ${reason}`),
    );
  }
});

Deno.test("`plan()` holds as many as the kernel does", () => {
  const many = Array.from({ length: 64 }, (_, at) => `0 10.9.0.${at} subflow`);
  const state = presentState({ capacity: 64 });
  assertEquals(plan(config(many), state).summary.add, 64);
  assertThrows(() => plan(config([...many, "0 10.0.0.1 subflow"]), state));
});

/** A change, and what it does to the two connections that use the endpoint. */
const EFFECTS: readonly [
  before: string,
  after: string | undefined,
  effect: string,
][] = [
  [
    "7 10.0.0.1 subflow",
    "7 10.0.0.1 subflow,backup",
    "changes the priority of 2 subflows, which stay open; 1 subflow stays as it is",
  ],
  [
    "7 10.0.0.1 subflow",
    "7 10.0.0.1 subflow,fullmesh",
    "closes 3 subflows, and opens 2 again",
  ],
  [
    "7 10.0.0.1 signal",
    "7 10.0.0.1 signal,backup",
    "changes the priority of 2 subflows, which stay open; 1 subflow stays as it is",
  ],
  ["7 10.0.0.1 -", "7 10.0.0.1 fullmesh", "3 subflows stay as they are"],
  [
    "7 10.0.0.1 subflow",
    "7 10.0.0.1 subflow eth0",
    "closes 3 subflows; 5 connections may open subflows",
  ],
  ["7 10.0.0.1 subflow", "7 10.0.0.1 -", "closes 3 subflows"],
  [
    "7 10.0.0.1 implicit",
    "0 10.0.0.1 subflow",
    "3 subflows stay as they are; 5 connections may open subflows",
  ],
  ["7 10.0.0.1 subflow", undefined, "closes 3 subflows"],
  ["8 10.0.1.1 subflow", undefined, ""],
];

Deno.test("`plan()` tells what steps do to live connections", () => {
  for (const [before, after, effect] of EFFECTS) {
    const state = presentState({
      endpoints: [before],
      connections: 5,
      carried: [{ id: 7, subflows: 3, connections: 2, initial: 1 }],
    });
    const made = plan(config(after === undefined ? [] : [after]), state, prune);
    const [, line = "", last] = planOutput(made, WIDE).text.split("\n");
    assertEquals([before, effect], [before, last === "" ? "" : line.trim()]);
  }
});

Deno.test("`plan()` warns of what hardly does what is meant", () => {
  const warnings = (
    config: Config,
    state: Parameters<typeof presentState>[0] = {},
  ) => plan(config, presentState(state)).warnings;
  assertEquals(warnings(config(["0 10.0.0.1 subflow eth0"])), []);
  assertEquals(
    warnings(config(["0 10.0.7.1 subflow", "0 10.0.0.1 subflow eth1"])),
    [
      "10.0.7.1 is not on this host: no subflow can start from it",
      "10.0.0.1 is on eth0, not on eth1",
    ],
  );
  // By the limit that will be, and for what is added alone.
  const none = "the limit of subflows is 0: no connection gets a second one";
  const endpoints = ["0 10.0.0.1 subflow eth0", "0 10.0.1.1 subflow eth1"];
  assertEquals(warnings(config(endpoints, { limits: { subflows: 0 } })), [
    none,
  ]);
  const zero = { limits: { subflows: 0, addAddrAccepted: 0 } };
  assertEquals(warnings(config(endpoints), zero), [none]);
  assertEquals(
    warnings(config(endpoints, { limits: { subflows: 1 } }), zero),
    [],
  );
  assertEquals(
    warnings(config(["1 10.0.7.1 subflow"]), {
      endpoints: ["1 10.0.7.1 subflow"],
    }),
    [],
  );
  assertEquals(
    warnings(config(["0 10.0.0.1 laminar eth0"]), { kernel: "6.12.95" }),
    ["this kernel does not know the flag laminar"],
  );
  assertEquals(warnings(config(["0 10.0.7.1#80 signal"])), [
    "10.0.7.1 is not on this host: the kernel refuses a port of it, unless the host takes packets to it all the same",
  ]);
  const links = presentState().links.map((link) => ({
    ...link,
    usable: false,
  }));
  assertEquals(warnings(config(["0 10.0.0.1 subflow eth0"]), { links }), [
    "eth0 is down or has no carrier: nothing passes it",
  ]);
  const match = {
    match: { dev: ["*"] },
    each: "address",
    flags: ["subflow"],
  } as const;
  const both = (capacity: number) =>
    warnings({
      governs: "all",
      endpoints: [{ ...match, place: 0 }, {
        ...match,
        match: { dev: ["usb*"] },
        place: 1,
      }],
    }, { capacity, limits: { subflows: 1, addAddrAccepted: 0 } });
  const unmatched = "endpoints[1] fits no address of this host";
  assertEquals(both(3), [unmatched]);
  assertEquals(both(2), [
    unmatched,
    "endpoints[0]: fd00::1 is left out: this kernel holds 2 endpoints",
  ]);
  assertEquals(
    warnings(config(["0 10.0.0.1 subflow eth0"]), {
      unknown: { connections: "Cannot list" },
    }),
    ["what this does to live connections is not known: Cannot list"],
  );
  assertEquals(
    warnings(config(undefined, { limits: { subflows: 3 } }), {
      connections: 1,
    }),
    ["live connections open more subflows only once an endpoint is added"],
  );
});

Deno.test("`plan()` warns where connections lose their last subflow", () => {
  const carried = [1, 2].map((id) => ({
    ...{ id, subflows: 3, connections: 3, initial: id === 1 ? 3 : 0 },
  }));
  const dependents = [
    { ids: [1], connections: 1 },
    { ids: [1, 2], connections: 2 },
  ];
  const warnings = (...wanted: string[]) =>
    plan(
      config(wanted),
      presentState({
        endpoints: ["1 10.0.0.1 subflow", "2 10.0.1.1 subflow"],
        ...{ carried, dependents, connections: 3 },
      }),
      prune,
    ).warnings.filter((text) => text.includes("last"));
  const lose = (text: string) => [
    `${text} last subflow, and will end unless an endpoint is added soon ` +
    "(net.mptcp.close_timeout)",
  ];
  assertEquals(warnings(), lose("3 connections lose their"));
  assertEquals(warnings("0 10.0.1.1 subflow"), lose("1 connection loses its"));
  assertEquals(
    warnings("0 10.0.0.1 subflow,fullmesh", "0 10.0.1.1 subflow"),
    lose("1 connection loses its"),
  );
  assertEquals(warnings("0 10.0.0.1 subflow"), []);
  // A new endpoint brings a subflow.
  assertEquals(warnings("0 10.0.2.1 subflow"), []);
});

Deno.test("`plan()` tells who else manages what it changes", () => {
  const manager = (name: string, devices?: number[]) => ({
    ...{ name, pid: 7, about: "" },
    ...devices && { devices },
  });
  const contested = (
    present: readonly string[],
    wanted: Config,
    ...found: ReturnType<typeof manager>[]
  ) =>
    plan(
      wanted,
      presentState({ endpoints: present, managers: { found, seesAll: true } }),
      prune,
    ).contested.map(({ name }) => name).join(" ");
  const all = [manager("mptcpd"), manager("NetworkManager", [2])];
  // Endpoints of eth0 may be those of NetworkManager.
  assertEquals(
    contested(["1 10.0.0.1 subflow eth0"], config([]), ...all),
    "mptcpd NetworkManager",
  );
  assertEquals(
    contested(
      ["1 10.0.0.1 subflow eth0"],
      config(["0 10.0.0.1 subflow,backup eth0"]),
      ...all,
    ),
    "mptcpd NetworkManager",
  );
  for (
    const other of [
      "1 10.0.0.1 subflow eth1",
      "1 10.0.0.1 subflow",
      "1 10.0.0.1#80 signal eth0",
    ]
  ) {
    assertEquals(contested([other], config([]), ...all), "mptcpd");
  }
  assertEquals(
    contested([], config(["0 10.0.0.1 subflow eth0"]), ...all),
    "mptcpd",
  );
  assertEquals(
    contested([], config([], { limits: { subflows: 1 } }), ...all),
    "mptcpd",
  );
  // What it manages is not known.
  assertEquals(
    contested([], config(["0 10.0.0.1 subflow"]), manager("NetworkManager")),
    "NetworkManager",
  );
  // The file says how to share with them, but not with another agent.
  const agent = manager("mptcp watch");
  const limits = { subflows: 1 };
  for (const governs of ["all", [[9, 9]]] as const) {
    const { contested, warnings } = plan(
      config(undefined, { limits, governs }),
      presentState({ managers: { found: [...all, agent], seesAll: true } }),
    );
    assertEquals(contested, [agent]);
    assertEquals(
      warnings.filter((text) => text.includes("manages")),
      governs === "all" ? ["mptcpd (process 7) manages this, too: "] : [],
    );
  }
  // Nothing to do, nothing that they manage, or nothing that is not shared.
  assertEquals(contested([], config([]), ...all), "");
  assertEquals(
    contested([], config([], { settings: { enabled: "0" } }), ...all),
    "",
  );
  assertEquals(
    contested(
      ["9 10.0.0.1 subflow eth0"],
      config([], { governs: [[9, 9]] }),
      ...all,
    ),
    "",
  );
});

Deno.test("`plan()` asks nobody, and leaves what it is given", () => {
  const state = presentState({ endpoints: FULL });
  const wanted = config(["0 10.0.0.1 subflow"], { limits: { subflows: 8 } });
  const before = JSON.stringify([state, wanted]);
  const made = plan(wanted, JSON.parse(JSON.stringify(state)), prune);
  assert(made.steps.length > 8);
  assertEquals(JSON.stringify([state, wanted]), before);
  assertEquals(made.after.endpoints, [{
    address: "10.0.0.1",
    port: 0,
    flags: ["subflow"],
    ifIndex: 0,
  }]);
});

Deno.test("`plan()` refuses numbers that are out of range before anything is done", () => {
  const one = { address: "10.0.0.1", flags: ["signal"], place: 0 } as const;
  const rows: [Config, string][] = [
    [{ limits: { subflows: -1 } }, "Invalid limits.subflows -1: "],
    [
      { limits: { addAddrAccepted: NaN } },
      "Invalid limits.addAddrAccepted NaN",
    ],
    [{ endpoints: [{ ...one, id: 0 }] }, "Invalid endpoints[0].id 0: it is an"],
    [{ endpoints: [{ ...one, id: 256 }] }, "Invalid endpoints[0].id 256: "],
    [{ endpoints: [{ ...one, port: 65536 }] }, "Invalid endpoints[0].port 655"],
  ];
  for (const [wanted, message] of rows) {
    assertThrows(() => plan(wanted, presentState()), RangeError, message);
  }
});
