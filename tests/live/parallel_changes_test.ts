/** Several programs that change one table at the same time. */
import { assert, assertEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import { Lab } from "../../testing/lab.ts";
import { assertSameAsIp } from "../helpers/assert_same_as_ip.ts";
import { liveTest } from "../helpers/live.ts";
import { Program } from "../helpers/program.ts";

/** What a program is to do. */
export interface Task {
  /** The namespace. */
  readonly netns: string;
  /** The addresses that it adds and deletes. */
  readonly addresses: readonly string[];
  /** How many of them are there at the most, as far as it knows. */
  readonly most: number;
  /** The limit that it sets. */
  readonly limit: "subflows" | "addAddrAccepted";
  /** How many times it does something. */
  readonly times: number;
  /** Where its random numbers start. */
  readonly seed: number;
}

/** What it prints. */
export interface Results {
  /** Counts by operation, knowledge and outcome: `"add known: done"`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** The endpoints as it left them: the flags by address. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  /** The limit that it set last. */
  readonly limit: number;
}

const TIMES = 500;
const TIMEOUT_MS = 300_000;

/** Runs the programs, and looks at the table meanwhile. */
async function changeAll(
  tasks: readonly Task[],
  look: () => void,
): Promise<Results[]> {
  await using stack = new AsyncDisposableStack();
  const programs = tasks.map((task) =>
    stack.use(new Program("change_endpoints", [JSON.stringify(task)]))
  );
  for (const program of programs) await program.text();
  let looks = 0;
  let isOver = false;
  const all = Promise.all(programs.map((program) => program.end(TIMEOUT_MS)))
    .finally(() => isOver = true);
  const looking = (async () => {
    while (!isOver) {
      look();
      looks++;
      await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  const [ends] = await Promise.all([all, looking]);
  assert(looks > 0);
  return ends.map(({ text, code }) => {
    assertEquals(code, 0);
    return JSON.parse(text);
  });
}

/**
 * Checks what holds for a dump at any time. The kernel goes from id to id, and
 * locks nothing in between (`mptcp_pm_nl_dump_addr()`): an endpoint that is
 * deleted and added again meanwhile can be there twice, or not at all.
 */
function assertWhole(pm: PathManager): void {
  const endpoints = pm.dumpAddrs();
  const ids = endpoints.map(({ id }) => id);
  assertEquals(ids, [...new Set(ids)].toSorted((one, other) => one - other));
  for (const { flags, address, id } of endpoints) {
    assert(flags.includes("subflow"), `${address} ${id} ${flags}`);
  }
}

liveTest(
  "two programs that change different endpoints lose nothing",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { client } = lab;
    const { netns } = client;
    using pm = PathManager.open({ netns });
    const task = (number: number, limit: Task["limit"]): Task => ({
      netns,
      addresses: Array.from(
        { length: 8 },
        (_, last) => `10.0.${number}.${last}`,
      ),
      // The table has room for all of both, and more.
      most: 3,
      limit,
      times: TIMES,
      seed: number,
    });
    const [one, other] = await changeAll(
      [task(1, "subflows"), task(2, "addAddrAccepted")],
      () => assertWhole(pm),
    );
    for (const { outcomes } of [one!, other!]) {
      assertEquals(Object.keys(outcomes).sort(), [
        "add known: NetlinkError add-addr EEXIST",
        "add unknown: done",
        "change known: done",
        "change unknown: NotFoundError set-flags",
        "delete known: done",
        "delete unknown: NotFoundError del-addr",
        "limit: done",
      ]);
    }
    const endpoints = pm.dumpAddrs();
    assertEquals<unknown>(
      Object.fromEntries(
        endpoints.map(({ address, flags }) => [address, flags]),
      ),
      { ...one!.endpoints, ...other!.endpoints },
    );
    assertSameAsIp(endpoints, client);
    assertEquals(pm.getLimits(), {
      subflows: one!.limit,
      addAddrAccepted: other!.limit,
    });
  },
);

/** The documented results of operations while another program interferes. */
const CONFLICTS = [
  "NetlinkError add-addr EEXIST",
  "NetlinkError add-addr EBUSY",
  "NetlinkError add-addr ERANGE",
  "NotFoundError add-addr",
  "NotFoundError del-addr",
  "NetlinkError del-addr EINVAL",
  "NotFoundError set-flags",
  "NetlinkError set-flags EINVAL",
  "NetlinkError get-addr EINVAL",
  // An endpoint that was there twice.
  "ArgumentTypeError",
  "done",
];

liveTest(
  "two programs that change the same endpoints get the documented errors",
  async () => {
    using lab = Lab.open({ paths: 0 });
    const { client } = lab;
    const { netns } = client;
    using pm = PathManager.open({ netns });
    const task = (seed: number): Task => ({
      netns,
      // More than there is room for.
      addresses: Array.from({ length: 12 }, (_, last) => `10.0.0.${last}`),
      most: 12,
      limit: "subflows",
      times: TIMES,
      seed,
    });
    const results = await changeAll([task(1), task(2)], () => assertWhole(pm));
    const outcomes = results.flatMap(({ outcomes }) => Object.keys(outcomes));
    const others = outcomes.map((key) => key.replace(/^.*: /, ""))
      .filter((outcome) => !CONFLICTS.includes(outcome));
    assertEquals(others, []);
    const wasConflict = outcomes.some((key) =>
      /^delete known: End|^add unknown: .* EEXIST/.test(key)
    );
    assert(wasConflict, outcomes.join(", "));
    assertEquals(pm.dumpAddrs().length <= 8, true);
    assertWhole(pm);
    const endpoints = pm.dumpAddrs();
    assertSameAsIp(endpoints, client);
    // Each endpoint has the flags that one of them set last.
    for (const { address, flags } of endpoints) {
      const known = results.map(({ endpoints }) => endpoints[address]?.join());
      assert(known.includes(flags.join()), `${address} ${flags}: ${known}`);
    }
    assert(results.some(({ limit }) => limit === pm.getLimits().subflows));
  },
);
