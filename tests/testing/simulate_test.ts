import { assert, assertEquals, assertRejects } from "@std/assert";
import { fullmesh, ndiffports, type Policy } from "../../policy/mod.ts";
import { simulate, type SimulatedWorld } from "../../testing/mod.ts";

/** What happens in runs. */
async function lines(
  policy: () => Policy,
  options: Parameters<typeof simulate>[1],
): Promise<string[]> {
  const all: string[] = [];
  await simulate(policy, { ...options, log: (line) => all.push(line) });
  return all;
}

Deno.test("the same seed is the same run, another one is another", async () => {
  const of = (seed: number, runs = 5) =>
    lines(fullmesh, { seed, runs, manage: { retry: true }, calmMs: 1000 });
  const [first, again] = [await of(1), await of(1)];
  assert(first.length > 200);
  assertEquals(again, first);
  assert((await of(2)).join() !== first.join());
  const second = await of(2, 1);
  assertEquals((await of(1, 2)).slice(-second.length), second);
});

/** A policy that forgets how many it may open. */
const greedy = (): Policy => ({
  established(connection) {
    connection.open({ from: connection.local.address, most: 9 });
  },
  interfaceUp(connection) {
    connection.open({ from: connection.local.address, most: 9 });
  },
});

function atMostTwo({ manager }: SimulatedWorld): void {
  for (const { subflows } of manager.connections.values()) {
    const own = subflows.filter(({ openedHere }) => openedHere);
    assert(own.length <= 2, `${own.length} subflows`);
  }
}

Deno.test("a failure shows the fewest steps, and what repeats it", async () => {
  const options = { always: atMostTwo };
  const error = await assertRejects(() => simulate(greedy, options));
  const { message, cause } = error as Error;
  const [first, ...rest] = message.split("\n");
  assert(/^\d subflows$/.test(first!), first);
  assertEquals((cause as Error).message, first);
  const hint = /\{ seed: (\d+), runs: 1 \}, or \{ steps: (\[.*\]) \}$/;
  const [, seed, list] = hint.exec(rest.at(-1)!)!;
  const steps: string[] = JSON.parse(list!);
  // A connection, and that an address goes and comes.
  assert(steps.length <= 4, message);
  for (const step of steps) assert(message.includes(`  ${step}\n`));
  assert(message.includes("    open 0x00001000 "), message);
  const same = (error: unknown) => (error as Error).message.split("\n")[0];
  for (const one of [{ seed: Number(seed), runs: 1 }, { steps }]) {
    const again = await assertRejects(() =>
      simulate(greedy, { ...options, ...one })
    );
    assertEquals(same(again), first);
  }
});

Deno.test("what a policy throws is a failure, and so is what is wrong in the end", async () => {
  const steps = ["connect 1 eth0 ipv4 client", "wait 100"];
  const wrong: [string, () => Policy, () => void][] = [
    ["never", () => ({
      established() {
        throw new Error("never");
      },
    }), () => {}],
    ["late", () => ({
      established(connection) {
        connection.after(50, () => Promise.reject(new Error("late")));
      },
    }), () => {}],
    ["1000 decisions within 10 s", () => ({
      established: (connection) => connection.open({ from: "10.0.9.1" }),
      subflowClosed: (connection) => connection.open({ from: "10.0.9.1" }),
    }), () => {}],
    ["end", fullmesh, () => {
      throw new Error("end");
    }],
  ];
  for (const [message, policy, afterCalm] of wrong) {
    const error = await assertRejects(() =>
      simulate(policy, { steps, afterCalm })
    );
    assertEquals(((error as Error).cause as Error).message, message);
  }
});

Deno.test("given steps do what they say", async () => {
  const first = { address: "10.0.1.1", port: 0 };
  const remote = { address: "10.1.1.2", port: 443 };
  const seen: unknown[] = [];
  let time = 0;
  const steps = [
    "connect 1 wan ipv4 client",
    "traffic 1 sending",
    "wait 5000",
    "cut wan silent",
    "wait 1000",
    "mend wan",
    "wait 3000",
  ];
  await simulate(() => ({
    tick(connection) {
      const { backoff, bytesAcked } = connection.read(connection.subflows[0]!)!;
      seen.push([backoff, bytesAcked! > 0]);
    },
  }), {
    steps,
    devices: ["wan", "lan"],
    calmMs: 0,
    afterCalm(world) {
      time = world.now;
      assertEquals(world.workingMs({ local: first, remote }), 3005);
      assertEquals([...world.kernel.devices.keys()], ["lo", "wan", "lan"]);
      assertEquals(world.kernel.connections.size, 1);
      assertEquals(world.decisions, []);
    },
  });
  assertEquals(time, 9025);
  // The timer goes on as it was when the path works again.
  assertEquals(seen.slice(3), [
    ...[[0, true], [0, true], [2, true], [0, true], [0, true], [0, true]],
  ]);
});

Deno.test("numbers that would run nothing are refused", async () => {
  const rows = [
    ...[{ runs: 0 }, { runs: NaN }, { seed: NaN }, { steps: 0 }],
    ...[{ steps: NaN }, { calmMs: NaN }],
  ];
  for (const options of rows) {
    const [name] = Object.keys(options);
    const run = () => simulate(ndiffports, options);
    await assertRejects(run, RangeError, `Invalid ${name} `);
  }
  const nowhere = () => simulate(ndiffports, { devices: [] });
  await assertRejects(nowhere, TypeError, "Invalid devices");
});

Deno.test("steps that there are not are refused", async () => {
  const rows = [
    ["fly eth0", 'Unknown step "fly eth0": it begins with wait, connect, '],
    ["cut eth7 silent", "cut eth0|eth1|eth2 silent|resets|unreachable is need"],
    ["cut eth0", "is needed"],
    ["wait long", "Unknown step"],
    ["constructor", "Unknown step"],
  ] as const;
  for (const [step, message] of rows) {
    const options = { steps: [step] };
    await assertRejects(
      () => simulate(ndiffports, options),
      TypeError,
      message,
    );
  }
});
