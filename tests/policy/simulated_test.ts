/** The ready policies in random worlds: what they promise, and what was found. */
import { assert, assertEquals } from "@std/assert";
import { onDemand } from "../../policy/mod.ts";
import { simulate } from "../../testing/mod.ts";
import { checkPromises } from "./promises.ts";

/** How many worlds there are, and how many of them with a calm at their end. */
const WORLDS: readonly [name: string, short: number, long: number][] = [
  ["fullmesh", 150, 40],
  ["ndiffports", 150, 40],
  ["backup", 100, 8],
  ["onDemand", 100, 8],
  ["announce", 150, 40],
  ["refresh", 150, 15],
  ["keep", 150, 40],
];
for (const [name, short, long] of WORLDS) {
  Deno.test(`${name} keeps its promises in random worlds`, async () => {
    await checkPromises(name, { runs: short, isShort: true });
    await checkPromises(name, { runs: long, seed: 10_001 });
  });
}

/** What policies did not bear at some time, by the fewest steps. */
const FOUND: readonly (readonly string[])[] = [
  // An IPv4 connection of a dual-stack socket, and IPv6 addresses beside it.
  ["fullmesh", "connect 1 eth1 mapped client"],
  ["announce", "connect 1 eth2 mapped server"],
  [
    ...["keep", "connect 2 eth0 mapped client", "other-opens 2 eth1 3"],
    ...["close 2 4 110", "close 2 1 110"],
  ],
  // The address of the spare has to be of the family of the peer's.
  ["backup", "connect 2 eth2 ipv6 client"],
  ["onDemand", "connect 1 eth0 ipv6 client", "close 1 1 104"],
  // Of several subflows that were reset together each is opened again.
  ["ndiffports", "connect 1 eth2 ipv4 client", "cut eth2 resets", "wait 100"],
  // The initial subflow counts only while it is there.
  ["ndiffports", "connect 1 eth1 mapped early", "close 1 3 104"],
  // A subflow of the peer is none of those that are wanted.
  ["refresh", "connect 1 eth0 ipv6 client", "close 1 1 104", "join 1 eth0"],
  [
    ...["backup", "connect 1 eth1 ipv4 client", "remove 1 1", "join 1 eth2"],
  ],
  // Another program gives the initial address an id.
  [
    ...["backup", "connect 2 eth0 ipv4 client", "remove 2 1"],
    "other-announces 2 eth0 2",
  ],
  // A manager starts when all subflows are being opened, or one is missing.
  [
    ...["refresh", "late", "connect 1 eth2 ipv4 client", "cut eth2 resets"],
    ...["cut eth2 silent", "on-time", "restart"],
  ],
  [
    ...["backup", "down eth0", "connect 1 eth0 ipv4 client"],
    ...["traffic 1 sending", "wait 30000", "restart"],
  ],
  [
    ...["onDemand", "down eth0", "connect 1 eth0 ipv4 client"],
    ...["traffic 1 sending", "wait 30000", "restart"],
  ],
  ["backup", "connect 2 eth0 mapped early", "late", "cut eth0 resets"],
  // A device has another name for a while.
  ["fullmesh", "connect 2 eth1 ipv4 early", "rename eth2"],
  ["backup", "connect 2 eth1 ipv4 early", "rename eth2"],
  [
    ...["onDemand", "connect 2 eth0 ipv6 client", "cut eth0 resets"],
    ...["rename eth2", "cut eth2 resets"],
  ],
  [
    ...["onDemand", "rename eth2", "connect 1 eth0 ipv6 client"],
    ...["other-opens 1 eth2 4", "cut eth2 resets"],
  ],
  // The peer opens a subflow where the spare is.
  [
    ...["onDemand", "connect 1 eth1 ipv4 client", "late", "join 1 eth2"],
    "unplug eth1",
  ],
  // Who began is told only when the connection is established.
  [
    ...["announce", "connect 1 eth1 mapped accepted", "close 1 4 104"],
    ...["restart", "establish 1", "join 1 eth0"],
  ],
  // What is wrong here may pass without a change of links or addresses.
  [
    ...["keep", "connect 2 eth0 ipv4 client", "other-opens 2 eth2 4"],
    ...["unplug eth0", "close 2 4 113", "errors 99", "up eth0"],
  ],
  // What was a path at first is the spare, once its device has its name again.
  [
    ...["onDemand", "cut eth1 silent", "connect 1 eth1 mapped client"],
    ...["traffic 1 sending", "wait 10000", "rename eth2", "restart"],
    ...["down eth2", "wait 30000"],
  ],
  // The kernel forgets an announced address if another program fails from there.
  [
    ...["announce", "connect 2 eth1 ipv6 accepted", "errors 105"],
    ...["establish 2", "other-opens 2 eth0 1"],
  ],
];
for (const [name, ...steps] of FOUND) {
  Deno.test(`${name} bears ${steps.join(", ")}`, async () => {
    await checkPromises(name!, { steps });
  });
}

for (const cautious of [false, true]) {
  const name = cautious ? "a cautious onDemand" : "onDemand";
  Deno.test(`${name} keeps the spare as long as the path loses what is sent`, async () => {
    const healthMs = 1000;
    const worked: number[] = [];
    let seen = 0;
    // Each time data has to be sent again, and is acknowledged before a look.
    const lossy = ["cut eth0 silent", "wait 190", "mend eth0", "wait 600"];
    await simulate(
      () =>
        onDemand({ spare: ({ dev }) => dev === "eth2", healthMs, cautious }),
      {
        steps: [
          ...["connect 1 eth0 ipv4 client", "traffic 1 sending", "wait 1000"],
          ...["cut eth0 silent", "wait 2000", "mend eth0"],
          ...Array.from({ length: 60 }, () => lossy).flat(),
        ],
        always({ decisions, workingMs }) {
          for (const { reason } of decisions.slice(seen)) {
            if (!reason?.startsWith("the path has worked")) continue;
            const local = { address: "10.0.1.1", port: 0 };
            const remote = { address: "10.1.1.2", port: 0 };
            worked.push(workingMs({ local, remote }));
          }
          seen = decisions.length;
        },
        afterCalm: ({ kernel }) =>
          assertEquals(kernel.connections.get(0x1000)?.subflows().length, 1),
      },
    );
    assertEquals(worked.length, 1);
    assert(worked[0]! >= healthMs, `${worked}`);
  });
}
