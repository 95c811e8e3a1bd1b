/**
 * Hosts that are made of recorded ones, and what the doctor has to say of them.
 *
 * @module
 */

import type { Snapshot } from "../../doctor/mod.ts";
import type { Draft } from "./snapshots.ts";

type Host = Draft<Snapshot>;
type Connection = NonNullable<Host["connections"]>[number];
type Change = (draft: Host) => void;

/**
 * What was found, beginning with its status and check, and a piece of what it
 * says; that of what follows from something else is indented.
 */
type Expected = readonly (readonly [place: string, piece: string])[];
/** A host: what is special, which one it is made of, how, and what is wrong. */
export type Row = readonly [what: string, from: string, Change, ...Expected];

/** Both readings. */
function readings(draft: Host): [Host, Host] {
  return [draft, draft.earlier as Host];
}

/** Changes the first connection, in both readings. */
const connection = (change: (one: Connection) => void): Change => (draft) => {
  for (const { connections } of readings(draft)) change(connections![0]!);
};

/** Takes the second subflow away, as if it had never been. */
const alone: Change = connection((one) => {
  one.subflows.splice(1);
  one.extraSubflows = 0;
});

/** The subflow to an address of the peer gets no answer. */
const unanswered: Change = connection((one) => {
  const subflow = one.subflows[1]!;
  subflow.state = "syn-sent";
  subflow.timerRetransmits = 2;
  subflow.remote.address = "10.66.6.6";
});

/** Counts until the reading, and while the doctor looked. */
const counted = (
  history: Record<string, number>,
  meanwhile: Record<string, number> = {},
): Change =>
(draft) => {
  for (const { counters } of readings(draft)) {
    Object.assign(counters!, history);
  }
  for (const [name, number] of Object.entries(meanwhile)) {
    draft.counters![name] = (draft.counters![name] ?? 0) + number;
  }
};

const both = (...changes: Change[]): Change => (draft) => {
  for (const change of changes) change(draft);
};

/** More connections like the first, to other hosts. */
const more =
  (count: number, change: (one: Connection) => void): Change => (draft) => {
    for (const { connections } of readings(draft)) {
      const all = Array.from({ length: count }, (_, at) => {
        const one = structuredClone(connections![0]!);
        one.token = 1000 + at;
        one.remote.address = `10.99.${1 + (at >> 8)}.${at & 0xff}`;
        for (const { remote } of one.subflows) {
          remote.address = one.remote.address;
        }
        change(one);
        return one;
      });
      connections!.push(...all);
    }
  };

const fallen = (one: Connection, isLater = false) => {
  Object.assign(one, { fallback: true, remoteKeyReceived: isLater });
  one.subflows.splice(1);
  one.subflows[0]!.flags = ["mcap-loc", "connected"];
};

/** Takes the endpoint's device for another one. */
const link = (change: object): Change => (draft) => {
  for (const { links } of readings(draft)) {
    Object.assign(links!.find(({ dev }) => dev === "client2")!, change);
  }
};

const endpoint = (change: object): Change => (draft) => {
  Object.assign(draft.endpoints![0]!, change);
};

const none: Change = (draft) => {
  draft.endpoints = [];
};

/** As if no program used MPTCP. */
const unused: Change = (draft) => {
  for (const one of readings(draft)) one.connections = [];
};

const userspace = both(none, alone, (draft) => {
  draft.settings!.pathManager = "userspace";
});

const listener = (process: string): Change => (draft) => {
  draft.eventListeners = [{ portId: 7, isOwn: false, process }];
};

const plainTcp = (process?: string): Change => (draft) => {
  draft.tcp = [{
    local: { address: "10.77.1.1", port: 5 },
    remote: { address: "10.99.0.1", port: 443 },
    inode: 7,
    ...process !== undefined && { process },
  }];
};

const address =
  (text: string, dev: string, change: object = {}): Change => (draft) => {
    for (const { addresses, links } of readings(draft)) {
      addresses!.push({
        address: text,
        prefixLength: 24,
        ifIndex: links!.find((one) => one.dev === dev)!.ifIndex,
        dev,
        ...{ scope: "global", tentative: false, failed: false },
        ...{ deprecated: false, temporary: false, flags: [] },
        ...change,
      });
    }
  };

/** A device that is up, and leads elsewhere. */
const device = (dev: string, flags: string[] = []): Change => (draft) => {
  for (const { links } of readings(draft)) {
    links!.push({
      ...links![1]!,
      ifIndex: 50 + links!.length,
      dev,
      flags: ["up", "running", ...flags] as never,
    });
  }
};

const strict: Change = (draft) => {
  for (const one of draft.reversePath!) one.value = 1;
};

const signal = endpoint({ flags: ["signal"], ifIndex: 0, dev: undefined });
const JOINS = { MPJoinSynTx: 0, MPJoinSynAckRx: 0 };
const DROPPED = "IPReversePathFilter";
const TWO = "two paths";
const ANNOUNCED = "announcing server";

/** Hosts that differ in one thing from recorded ones. */
export const CHANGED_HOSTS: readonly Row[] = [
  // kernel, enabled, path-manager
  [
    "no MPTCP",
    TWO,
    both(unused, none, (draft) => {
      draft.protocols = [];
      draft.kernel = "5.4.0";
      draft.socket = { opened: false, code: "EPROTONOSUPPORT" };
    }),
    ["problem kernel", "Linux 5.4.0 has no MPTCP: Linux 5.6 or later"],
    ["  warning endpoints", ""],
  ],
  ["neither on nor off", TWO, (draft) => {
    draft.settings!.enabled = 7 as never;
  }],
  ["switched off", TWO, (draft) => {
    draft.settings!.enabled = false;
  }, ["problem enabled", "new connections are plain TCP"]],
  ["userspace, nobody", TWO, userspace, [
    "problem path-manager",
    "no program manages paths",
  ]],
  ["userspace, mptcpd", TWO, both(userspace, listener("mptcpd"))],
  ["userspace, `mptcp manage`", TWO, both(userspace, listener("mptcp manage"))],
  [
    "userspace, `mptcp monitor`",
    TWO,
    both(userspace, listener("mptcp monitor")),
    [
      "problem path-manager",
      "no program manages paths",
    ],
  ],
  ["userspace, ip monitors", TWO, both(userspace, listener("ip")), [
    "problem path-manager",
    "no program manages paths",
  ]],
  [
    "userspace, before Linux 6.15",
    TWO,
    both(userspace, (draft) => {
      delete draft.settings!.pathManager;
      draft.settings!.pmType = 1;
    }),
    ["problem path-manager", "no program manages paths"],
  ],
  [
    "a connection of another path manager",
    TWO,
    both(
      alone,
      connection((one) => {
        Object.assign(one, { subflowsMax: 0, addAddrAcceptedMax: 0 });
        one.localAddrMax = 0;
      }),
    ),
    ["problem path-manager", "was changed after the connection 0x"],
  ],
  ["which has what it needs", "userspace path manager", (draft) => {
    draft.settings!.pathManager = "kernel";
  }],

  // blackhole
  [
    "SYNs were lost once",
    TWO,
    counted({ MPCapableSYNTXDrop: 3, Blackhole: 2 }),
  ],
  [
    "a host that is down was called",
    TWO,
    counted({}, { MPCapableSYNTXDrop: 1 }),
  ],
  ["SYNs get lost", TWO, counted({}, { Blackhole: 1 }), [
    "problem blackhole",
    "as plain TCP for an hour or more",
  ]],
  ["sockets without MPTCP by another cause", TWO, (draft) => {
    draft.withoutMptcp = [draft.connections![0]!.subflows[0]!];
  }],
  [
    "a connection of the time when MPTCP was off",
    TWO,
    both(
      counted({ MPCapableSYNTXDisabled: 1 }),
      (draft) => {
        draft.withoutMptcp = [draft.connections![0]!.subflows[0]!];
      },
    ),
    ["warning blackhole", "SYNs with MPTCP got lost"],
  ],

  // fallback
  ["plain TCP alone", "one path", connection((one) => fallen(one)), [
    "problem fallback",
    "the program there does not use MPTCP",
  ]],
  ["some peers without MPTCP", TWO, more(7, (one) => fallen(one))],
  [
    "one of several connections to a program",
    TWO,
    more(1, (one) => {
      fallen(one);
      one.remote = { address: "10.99.0.1", port: 443 };
      one.token = 443;
    }),
  ],
  ["one of several connections to the same port", TWO, (draft) => {
    more(1, (one) => {
      fallen(one);
      one.remote = draft.connections![0]!.remote;
    })(draft);
  }, ["warning fallback", "the program there does not use MPTCP"]],
  ["options that get lost later", TWO, more(2, (one) => fallen(one, true)), [
    "warning fallback",
    "used by 2 connections, which can have no second subflow: something on",
  ]],
  [
    "data that is changed",
    TWO,
    both(
      more(1, (one) => fallen(one, true)),
      counted({ DataCsumErr: 1 }),
    ),
    ["warning fallback", "something on the way changes the data"],
  ],
  [
    "some clients behind middleboxes",
    "server",
    more(3, (one) => {
      fallen(one);
      one.subflows[0]!.openedHere = false;
    }),
  ],
  [
    "a connection that is over",
    TWO,
    more(1, (one) => {
      fallen(one, true);
      one.state = "fin-wait-2";
    }),
  ],

  // limits
  [
    "limit 0 where nobody asks for more",
    "one path",
    both(unused, (draft) => {
      draft.limits!.subflows = 0;
    }),
    ["warning limits", "the limit is 0"],
  ],
  ["a limit that is no number", TWO, (draft) => {
    draft.limits!.subflows = "x" as never;
  }],
  [
    "a limit that is reached",
    TWO,
    both(
      alone,
      connection((one) => {
        one.extraSubflows = 2;
      }),
    ),
    ["warning limits", "the limit of 2 is reached"],
  ],
  [
    "addresses that others announced",
    "no address of the server is accepted",
    both(
      counted({ AddAddr: 1, MPCapableSYNACKRX: 9 }),
      (draft) => {
        draft.routes!.splice(1);
      },
    ),
    ["warning limits", "Addresses that peers announce are not used"],
  ],
  ["addresses that an endpoint makes up for", TWO, counted({ AddAddr: 1 })],
  [
    "a server at its limit",
    "server",
    both(
      counted({ MPJoinRejected: 5 }),
      connection((one) => {
        one.subflowsMax = 1;
      }),
    ),
    ["warning limits", "its limit is 2"],
  ],
  ["a server that was at its limit", "server", counted({ MPJoinRejected: 5 })],

  // endpoint-flags
  [
    "announced by a client that may be a server",
    TWO,
    both(alone, signal, (draft) => {
      draft.listeners = [{
        ...draft.connections![0]!,
        backlog: 0,
        backlogMax: 9,
      }];
      draft.routes!.splice(1);
    }),
    ["warning endpoint-flags", "is only announced (signal)"],
  ],
  ["a client of programs that announce", TWO, endpoint({ flags: ["laminar"] })],
  ["a server that is a client, too", "subflow on the server", (draft) => {
    for (const one of readings(draft)) {
      const other = structuredClone(one.connections![0]!);
      Object.assign(other.subflows[0]!, { openedHere: true });
      other.token = 77;
      const local = { address: "10.77.2.2", port: 7, id: 1 };
      other.subflows.push({ ...other.subflows[0]!, initial: false, local });
      one.connections!.push(other);
    }
  }],

  // endpoint-device
  ["a device that goes down just now", TWO, (draft) => {
    Object.assign(draft.links!.find(({ dev }) => dev === "client2")!, {
      usable: false,
      flags: [],
    });
  }, ["warning endpoint-device", "client2, the device of the endpoint"]],
  [
    "a device that is not ready",
    TWO,
    link({
      ...{ usable: false, flags: ["up", "dormant"], state: "dormant" },
      carrier: true,
    }),
    ["problem endpoint-device", "cannot carry packets yet"],
  ],
  [
    "an endpoint that the kernel made",
    TWO,
    both(
      link({ usable: false, flags: [] }),
      endpoint({ flags: ["implicit"] }),
      (draft) => {
        draft.limits!.addAddrAccepted = 2;
      },
    ),
  ],

  // endpoint-address
  [
    "announced from behind NAT",
    "server",
    endpoint({ address: "81.82.83.84" }),
    [
      "warning endpoint-address",
      "peers reach it only if a router",
    ],
  ],
  ["the address of no host", TWO, endpoint({ address: "224.0.0.1" }), [
    "warning endpoint-address",
    "224.0.0.1 is the address of no host: subflows start where the route leads",
  ]],
  ["a link-local address without a device", TWO, (draft) => {
    const { address } = draft.addresses!.find(({ scope }) => scope === "link")!;
    const { dev: _, ...rest } = draft.endpoints![0]!;
    draft.endpoints = [{ ...rest, address, ifIndex: 0 }];
  }, ["problem endpoint-address", "no subflow can start from it without dev"]],
  ["an address that goes just now", TWO, (draft) => {
    draft.addresses = draft.addresses!.filter((one) =>
      one.address !== "10.77.2.1"
    );
  }, ["warning endpoint-address", "10.77.2.1 is not on this host"]],
  ["an address that is deprecated", TWO, (draft) => {
    for (const { addresses } of readings(draft)) {
      for (const one of addresses!) one.deprecated = true;
    }
  }, ["warning endpoint-address", "should start from another address"]],
  [
    "an address of lo, bound to a device",
    TWO,
    both(
      address("10.88.0.1", "lo"),
      endpoint({ address: "10.88.0.1" }),
      connection((one) => {
        one.subflows[1]!.local.address = "10.88.0.1";
      }),
      (draft) => {
        draft.routes!.find(({ id }) => id === 1)!.source = "10.88.0.1";
      },
    ),
  ],
  [
    "an address that becomes ready",
    "tentative IPv6 address",
    both(
      (draft) => {
        const own = draft.addresses!.find(({ tentative }) => tentative)!;
        own.tentative = false;
      },
      counted({}, { MPJoinSynTx: 1, MPJoinSynAckRx: 1 }),
      unused,
    ),
  ],

  // endpoints
  ["no endpoint, and nobody asks for one", "no endpoint", unused, [
    "warning endpoints",
    "There is no endpoint from which",
  ]],
  [
    "no endpoint, as peers announce",
    "no endpoint",
    both(unused, (draft) => {
      draft.limits!.addAddrAccepted = 2;
    }),
  ],
  [
    "no endpoint beside a tunnel",
    "no endpoint",
    both(unused, (draft) => {
      const [first] = draft.routes!;
      Object.assign(first!.route, { dev: "wg0" });
    }),
  ],
  ["no route by the other device", "no endpoint", (draft) => {
    const way = draft.routes!.find(({ dev }) => dev === "client2")!;
    Object.assign(way.route, { assumed: true });
  }],

  // route
  [
    "no route to one of two peers",
    TWO,
    both(alone, (draft) => {
      const [, way] = draft.routes!;
      const to = structuredClone(way!);
      to.destination = "10.99.5.5";
      Object.assign(to.route, { assumed: true });
      draft.routes!.push(to);
    }, unused),
    ["warning route", "There is no route from 10.77.2.1 by client2"],
  ],
  [
    "no route to the Internet",
    TWO,
    both(unused, (draft) => {
      for (const one of draft.routes!) one.destination = "192.0.2.1";
      Object.assign(draft.routes![1]!.route, { assumed: true });
    }),
    ["warning route", "by client2 to the Internet"],
  ],
  [
    "a route that refuses",
    TWO,
    both(unused, (draft) => {
      draft.routes![1]!.route = { found: false, reason: "prohibited" };
    }),
    ["problem route", "A route or a rule refuses packets from 10.77.2.1"],
  ],
  ["a route that a subflow proves", TWO, (draft) => {
    Object.assign(draft.routes![1]!.route, { assumed: true });
  }],

  // same-subnet
  [
    "two devices in one network, well set",
    TWO,
    both(
      address("10.77.1.77", "client2"),
      (draft) => {
        draft.addresses = draft.addresses!.filter((one) =>
          one.address !== "10.77.2.1"
        );
      },
      endpoint({ address: "10.77.1.77" }),
      connection((one) => {
        one.subflows[1]!.local.address = "10.77.1.77";
      }),
      (draft) => {
        draft.routes![1]!.source = "10.77.1.77";
      },
    ),
  ],

  // rp-filter
  ["packets that were dropped", TWO, both(strict, counted({ [DROPPED]: 9 }))],
  ["others that are dropped", TWO, both(strict, counted({}, { [DROPPED]: 9 }))],
  [
    "packets of a peer's second path",
    "one path",
    both(
      strict,
      device("client2"),
      address("10.77.2.1", "client2"),
      counted({}, { [DROPPED]: 2 }),
      (draft) => {
        draft.reversePath!.push({ dev: "client2", value: 1 });
      },
    ),
    ["problem rp-filter", "rp_filter is strict"],
  ],

  // join: the outcome, from the counters
  ...([
    [
      "hmac",
      ["MPJoinSynTx", "MPJoinSynAckRx", "MPJoinSynAckHMacFailure"],
      "does not have the keys",
    ],
    ["stripped", ["MPJoinSynTx", "MPRstTx"], "without MP_JOIN"],
    ["reset", ["MPJoinSynTx"], "answered with a reset"],
    [
      "unsent",
      ["MPJoinSynTx", "MPJoinSynAckRx", "MPJoinSynTxBindErr"],
      "could not be sent",
    ],
  ] as [string, string[], string][]).map(([kind, moved, words]): Row => [
    `a join that is ${kind}`,
    TWO,
    both(
      alone,
      counted(JOINS, Object.fromEntries(moved.map((name) => [name, 1]))),
    ),
    ["problem join", words],
  ]),
  [
    "a join that is refused",
    TWO,
    both(
      alone,
      counted(JOINS, { MPJoinSynTx: 1, MPJoinSynAckRx: 1, MPRstTx: 1 }),
    ),
    ["problem limits", "refused the subflow from 10.77.2.1"],
    [
      "  problem join",
      "was answered and then reset",
    ],
  ],
  ["an announced address without an answer", ANNOUNCED, unanswered, [
    "problem join",
    "announced 10.66.6.6, and a SYN to there gets no answer",
  ]],
  [
    "an announced address without an answer, beside another path",
    ANNOUNCED,
    both(
      connection(({ subflows }) =>
        void subflows.push(structuredClone(subflows[1]!))
      ),
      unanswered,
    ),
    ["warning join", "announced 10.66.6.6"],
  ],
  [
    "an announced address without an answer, from the only address",
    ANNOUNCED,
    both(
      unanswered,
      connection(({ local, subflows }) => {
        subflows[1]!.local.address = local.address;
      }),
      endpoint({ address: "10.77.1.1", flags: ["subflow"] }),
    ),
    ["problem join", "announced 10.66.6.6"],
  ],
  [
    "an announced address without an answer, and no place for others",
    ANNOUNCED,
    both(unanswered, connection((one) => one.subflowsMax = 1)),
    ["problem join", "announced 10.66.6.6"],
    ["  warning subflow", "A subflow to 10.66.6.6 without an answer takes a"],
  ],
  ["a join that is not tried", TWO, both(alone, counted(JOINS)), [
    "warning join",
    "the kernel never tried it",
  ]],
  [
    "a subflow that was lost, on a busy host",
    TWO,
    both(
      alone,
      counted({ MPJoinSynTx: 500, MPJoinSynAckRx: 480, MPRstTx: 9 }),
    ),
    ["warning join", "does not try again by itself"],
  ],
  [
    "a join that nobody on the link gets",
    TWO,
    both(alone, counted(JOINS, { MPJoinSynTx: 1 }), (draft) => {
      const one = draft.neighbours!.find(({ dev }) => dev === "client2")!;
      Object.assign(one, { state: ["failed"] });
    }),
    ["problem route", "does not answer on client2"],
    ["  problem join", "was sent to nobody"],
  ],
  [
    "a join that fails with one of several peers",
    TWO,
    both(
      more(3, () => {}),
      alone,
      counted(JOINS, { MPJoinSynTx: 1 }),
    ),
    ["warning join", "was answered with a reset"],
  ],
  ["a connection that is new", TWO, (draft) => {
    alone(draft);
    draft.earlier!.connections = [];
  }],

  // subflow
  [
    "peers that are gone",
    "server",
    connection((one) => {
      for (const subflow of one.subflows) {
        Object.assign(subflow, { backoff: 5, sendQueue: 9 });
      }
    }),
  ],
  [
    "packets that are sent again",
    TWO,
    both(
      connection((one) => {
        Object.assign(one.subflows[1]!, { backoff: 1, sendQueue: 9 });
      }),
      (draft) => {
        draft.connections![0]!.subflows[1]!.bytesAcked = 12345;
      },
    ),
  ],

  // application
  ["programs with TCP", TWO, both(unused, plainTcp("curl")), [
    "warning application",
    "the only connection is plain TCP",
  ]],
  [
    "a server with no client now",
    TWO,
    both(unused, plainTcp("sshd"), (draft) => {
      draft.listeners = [{ local: { address: "::", port: 80 } } as never];
    }),
  ],
  ["programs with TCP, and no endpoint", "one path", both(unused, plainTcp())],

  // idle
  ["a connection that has just begun", "connection without data", (draft) => {
    draft.earlier!.connections = [];
  }],
  [
    "idle connections without endpoint",
    "connection without data",
    both(none, (draft) => {
      draft.routes!.splice(1);
    }),
  ],
  ["idle connections", "connection without data", more(4, () => {}), [
    "warning idle",
    "yet on 5 connections",
  ]],

  // managers, firewall
  ["NetworkManager", TWO, (draft) => {
    draft.managers!.found = [{
      name: "NetworkManager",
      pid: 7,
      about: "it adds",
    }];
  }],
  ["two managers", TWO, (draft) => {
    draft.managers!.found = ["NetworkManager", "mptcpd"].map((name) => ({
      ...{ name, pid: 7, about: "it adds" },
    }));
  }, ["warning managers", "NetworkManager and mptcpd both manage"]],
  ["rules where nothing gets lost", TWO, (draft) => {
    draft.firewall = [{ kind: "iptables", name: "filter" }];
  }],
  [
    "rules beside a cause that is known",
    "strict rp_filter on the client",
    (
      draft,
    ) => {
      draft.firewall = [{ kind: "iptables", name: "filter" }];
    },
    ["problem rp-filter", "rp_filter is strict"],
    [
      "  problem join",
      "gets no answer",
    ],
    ["  warning firewall", "may drop them"],
  ],
  ...([
    [{ kind: "nftables", name: "inet f", rules: 1, drops: false }, true],
    [{ kind: "nftables", name: "inet f", rules: 0, drops: true }, true],
    [{ kind: "nftables", name: "inet f", rules: 0, drops: false }, false],
    [{ kind: "ip6tables", name: "raw" }, true],
  ] as const).map(([table, mayDrop]): Row => [
    `joins that get lost, and ${table.kind} with ${Object.values(table)}`,
    TWO,
    both(alone, counted(JOINS, { MPJoinSynTx: 1 }), (draft) => {
      draft.firewall = [table];
    }),
    ["problem join", "was answered with a reset"],
    ...mayDrop ? [["warning firewall", "may drop them"] as const] : [],
  ]),
];

const temporary = { prefixLength: 64, temporary: true, flags: ["temporary"] };

/** What a computer of somebody has who never heard of MPTCP. */
const laptop = both(
  unused,
  device("docker0"),
  address("172.17.0.1", "docker0", { prefixLength: 16 }),
  device("tun0", ["pointopoint", "noarp"]),
  address("10.8.0.2", "tun0"),
  address("fd77:1::5:1", "client1", temporary),
  address("fd77:1::5:2", "client1", { ...temporary, deprecated: true }),
  strict,
  counted({ [DROPPED]: 70 }, { [DROPPED]: 3, MPCapableSYNTXDrop: 1 }),
  (draft) => {
    const [first] = draft.routes!;
    draft.routes = [
      { ...first!, destination: "192.0.2.1" },
      ...["docker0", "tun0"].map((dev) => ({
        ...{ destination: "192.0.2.1", source: "10.8.0.2", dev },
        route: { ...first!.route as object, dev, assumed: true } as never,
      })),
    ];
    // Programs in Go listen for MPTCP by default.
    draft.listeners = [{ local: { address: "::", port: 8080 } } as never];
    draft.managers!.found = [
      { name: "NetworkManager", pid: 7, about: "it adds endpoints" },
    ];
    draft.firewall = [
      { kind: "nftables", name: "ip nat", rules: 9, drops: false },
    ];
    plainTcp("firefox")(draft);
    draft.tcp = Array.from({ length: 40 }, () => draft.tcp![0]!);
  },
);

/** Hosts on which nothing is wrong, and what their users may be told. */
export const FINE_HOSTS: readonly Row[] = [
  [
    "one path, which has the endpoint that NetworkManager adds",
    "one path",
    (draft) => {
      const { ifIndex, dev } = draft.links!.find(({ dev }) =>
        dev === "client1"
      )!;
      draft.endpoints = [{
        ...{ address: "10.77.1.1", port: 0, id: 1, ifIndex, dev },
        flags: ["subflow"],
      }];
    },
  ],
  [
    "a connection to a link-local address",
    "IPv4 endpoint for an IPv6 connection",
    connection((one) => one.remote.address = "fe80::1"),
  ],
  ["a laptop", "one path", laptop],
  [
    "a laptop, on two ways into one network",
    "one path",
    both(
      laptop,
      device("wlan0"),
      address("10.77.1.8", "wlan0"),
      (draft) => {
        const [first] = draft.routes!;
        draft.routes!.push({ ...first!, source: "10.77.1.8", dev: "wlan0" });
      },
    ),
    ["warning endpoints", "There is no endpoint"],
  ],
  [
    "a laptop whose NetworkManager adds endpoints",
    "one path",
    both(
      laptop,
      (draft) => {
        const ifIndex =
          draft.links!.find(({ dev }) => dev === "client1")!.ifIndex;
        const own = { port: 0, id: 1, ifIndex, dev: "client1" };
        draft.endpoints = [
          { ...own, address: "10.77.1.1", flags: ["subflow"] },
        ];
        draft.routes![0]!.destination = "192.0.2.1";
        draft.listeners = [];
      },
    ),
    ["warning application", "all 40 connections are plain TCP"],
  ],
  [
    "a container",
    "one path",
    both(unused, (draft) => {
      draft.managers!.seesAll = false;
      delete draft.firewall;
    }),
  ],
  [
    "a server with a thousand clients",
    "server",
    both(
      more(1000, (one) => {
        one.subflows.splice(1);
        Object.assign(one.subflows[0]!, { backoff: 3, sendQueue: 1000 });
      }),
      counted({ MPJoinNoTokenFound: 77, MPJoinRejected: 9, OutRsts: 1e6 }),
    ),
  ],
  ["a client with a thousand connections", TWO, more(1000, () => {})],
  [
    "a full mesh",
    TWO,
    both(endpoint({ flags: ["subflow", "fullmesh"] }), (draft) => {
      const ifIndex = draft.links!.find(({ dev }) =>
        dev === "client1"
      )!.ifIndex;
      draft.endpoints!.push({
        ...{ address: "10.77.1.1", port: 0, id: 2, ifIndex, dev: "client1" },
        flags: ["subflow", "fullmesh"],
      });
    }),
  ],
  [
    "a spare",
    TWO,
    both(
      endpoint({ flags: ["subflow", "backup"] }),
      connection((one) => {
        one.subflows[1]!.backup = true;
      }),
    ),
  ],
  [
    "both kinds of endpoint in one",
    TWO,
    endpoint({ flags: ["signal", "subflow"] }),
  ],
  [
    "a port of its own",
    "server",
    both(
      endpoint({ flags: ["signal"], port: 8080 }),
      (draft) => {
        draft.listeners!.push(
          { local: { address: "0.0.0.0", port: 0 } } as never,
        );
      },
    ),
  ],
  ["an address that the kernel took, and that is gone", TWO, (draft) => {
    draft.endpoints!.push({
      ...{ address: "10.77.9.9", port: 0, id: 9, ifIndex: 0 },
      flags: ["implicit"],
    });
  }],
  [
    "connections that are being closed",
    TWO,
    both(
      more(4, (one) => {
        one.state = "fin-wait-2";
        one.subflows = [];
      }),
      more(4, (one) => {
        one.state = "close-wait";
        one.subflows.splice(1);
        for (const subflow of one.subflows) subflow.state = "last-ack";
      }),
      more(4, ({ subflows }) => {
        subflows[1]!.state = "fin-wait-1";
      }),
    ),
  ],
  ["connections that are being opened", TWO, (draft) => {
    const one = structuredClone(draft.connections![0]!);
    Object.assign(one, {
      token: 7,
      state: "syn-sent",
      remoteKeyReceived: false,
    });
    one.subflows.splice(1);
    Object.assign(one.subflows[0]!, { state: "syn-sent", flags: ["mcap-loc"] });
    draft.connections!.push(one);
  }],
  [
    "a program that closed its sockets",
    TWO,
    connection((one) => {
      one.inode = 0;
    }),
  ],
];
