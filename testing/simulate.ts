import { ArgumentTypeError } from "../codec/argument_error.ts";
import { integer } from "../codec/arguments.ts";
import { PathManager } from "../ops/path_manager.ts";
import type { Decision } from "../policy/commands.ts";
import { manage, type ManageOptions, type Manager } from "../policy/manage.ts";
import type { Policy } from "../policy/policy.ts";
import type { FakeKernel } from "./fake_kernel.ts";
import type { FakeSubflow } from "./fake_connection.ts";
import { generatorAt } from "./random.ts";
import { checkStep, perform, randomSteps } from "./simulated_steps.ts";
import { World } from "./simulated_world.ts";

const MOST = Number.MAX_SAFE_INTEGER;
/** How long the manager has to react to a step, in milliseconds. */
const STEP_MS = 5;
/** So many decisions in such a time, in milliseconds, are too many. */
const MOST_DECISIONS = 1000;
const DECISIONS_MS = 10_000;
/** How many lines of what happened a failure shows. */
const TRACE_LINES = 40;

/** What there is in a run of {@linkcode simulate}. */
export interface SimulatedWorld {
  /** The host: what there is of connections, whatever the manager knows. */
  readonly kernel: FakeKernel;
  /** What runs the policy, and what it knows. */
  readonly manager: Manager;
  /** Milliseconds since the run began. */
  readonly now: number;
  /** What the policy has decided in this run. */
  readonly decisions: readonly Decision[];
  /**
   * For how long packets have got through between two addresses, in
   * milliseconds; 0: they do not.
   */
  workingMs(path: Pick<FakeSubflow, "local" | "remote">): number;
}

/** What to check, and in how many worlds. */
export interface SimulateOptions {
  /**
   * Throws if something is wrong that may be so at no time. It is called
   * whenever something has happened and the manager has had its turn.
   */
  readonly always?: (world: SimulatedWorld) => void;
  /**
   * Throws if something is wrong that has to be right in the end: when for
   * `calmMs` nothing has failed.
   */
  readonly afterCalm?: (world: SimulatedWorld) => void;
  /** How to run the policy. */
  readonly manage?: ManageOptions;
  /** The devices of the host, one or more. @default {`eth0`, `eth1`, `eth2`} */
  readonly devices?: readonly string[];
  /** How many runs there are, 1 or more. @default {100} */
  readonly runs?: number;
  /**
   * The number of the first run, 0 or more; the same number is the same run.
   * @default {1}
   */
  readonly seed?: number;
  /**
   * What happens in a run: how many random steps, 1 or more, or these.
   * @default {40}
   */
  readonly steps?: number | readonly string[];
  /**
   * How long the calm at the end is, in milliseconds, 0 or more.
   * @default {300000}
   */
  readonly calmMs?: number;
  /** Takes what happens, line by line. @default {nothing does} */
  readonly log?: (line: string) => void;
}

/**
 * Runs a policy in random worlds, and checks what you say of it. Connections
 * come and go, as client and as server, paths fail in all ways and work again,
 * the peer announces addresses, commands are refused, events are lost and the
 * manager is restarted, on a {@linkcode FakeKernel} with a
 * {@linkcode FakeClock}: hours pass in milliseconds. The same seed does the same.
 *
 * Where something is wrong, it leaves out steps that do not matter, and says
 * which are left, with what happened, and the options that repeat it.
 *
 * A policy that waits has to do so by {@linkcode ManagedConnection.after}.
 *
 * @param policy Makes the policy, for each run anew.
 * @param options What to check, and how often.
 * @throws {TypeError} There is no such step, or no device.
 * @throws {RangeError} A number is out of its range.
 * @throws {Error} Something is wrong. Its `cause` is what a check has thrown.
 *
 * @example There are never more subflows than there should be
 * ```ts
 * import { assert } from "@std/assert";
 * import { ndiffports } from "@mptcp/pm/policy";
 * import { simulate } from "@mptcp/pm/testing";
 *
 * await simulate(() => ndiffports({ subflows: 3 }), {
 *   always({ manager }) {
 *     for (const { local, subflows } of manager.connections.values()) {
 *       const same = subflows.filter(({ openedHere, ...one }) =>
 *         openedHere && one.local.address === local.address
 *       );
 *       assert(same.length <= 3, `${same.length} subflows`);
 *     }
 *   },
 * });
 * ```
 */
export async function simulate(
  policy: () => Policy,
  options: SimulateOptions,
): Promise<void> {
  const { runs = 100, seed = 1, steps = 40 } = options;
  const { devices = ["eth0", "eth1", "eth2"] } = options;
  const isRandom = typeof steps === "number";
  if (isRandom) integer("steps", steps, 1, MOST);
  integer("runs", runs, 1, MOST);
  integer("seed", seed, 0, MOST);
  integer("calmMs", options.calmMs ?? 0, 0, MOST);
  if (devices.length === 0) {
    throw new ArgumentTypeError("Invalid devices: one is needed at least");
  }
  for (const step of isRandom ? [] : steps) checkStep(step, devices);
  for (let run = seed; run < seed + (isRandom ? runs : 1); run++) {
    const random = generatorAt(13, "simulate", run);
    const all = isRandom ? randomSteps(random, devices, steps) : steps;
    const failure = await new Run(policy, options, devices).fails(all);
    if (failure === undefined) continue;
    const quiet = { ...options, log: () => {} };
    const least = await shrink(
      failure,
      (steps) => new Run(policy, quiet, devices).fails(steps),
    );
    throw new Error(describe(least, isRandom ? run : undefined), {
      cause: least.error,
    });
  }
}

/** What is wrong, and how it came to that. */
interface Failure {
  readonly steps: readonly string[];
  readonly error: unknown;
  readonly lines: readonly string[];
}

/** A policy in a world. */
class Run {
  readonly #policy: () => Policy;
  readonly #options: SimulateOptions;
  readonly #world: World;
  readonly #pm: PathManager;
  readonly #lines: string[] = [];
  readonly #errors: unknown[] = [];
  readonly #decisions: Decision[] = [];
  readonly #ends: Promise<void>[] = [];
  #manager: Manager;
  /** How many decisions there have been of late. */
  #recent = { until: -1, count: 0 };
  /** How many messages the kernel had sent when it was looked at last. */
  #told = -1;

  constructor(
    policy: () => Policy,
    options: SimulateOptions,
    devices: readonly string[],
  ) {
    this.#policy = policy;
    this.#options = options;
    this.#world = new World(devices, () => {
      this.#manager.stop();
      this.#manager = this.#start();
    });
    this.#pm = PathManager.open({ namespace: this.#world.kernel });
    this.#manager = this.#start();
  }

  #start(): Manager {
    const { manage: given = {} } = this.#options;
    const manager = manage(this.#pm, this.#policy(), {
      ...given,
      onDecision: (decision) => {
        this.#decisions.push(decision);
        this.#demandEnd();
        this.#note(`  ${textOf(decision)}`);
        given.onDecision?.(decision);
      },
      onWarning: (message) => {
        this.#note(`  warning: ${message}`);
        given.onWarning?.(message);
      },
      onError: (error) => this.#errors.push((error as Error).cause ?? error),
    });
    this.#ends.push(
      manager.finished.catch((error) => void this.#errors.push(error)),
    );
    return manager;
  }

  /** A policy that answers each failure at once does nothing else. */
  #demandEnd(): void {
    const now = this.#world.clock.now();
    if (now > this.#recent.until) {
      this.#recent = { until: now + DECISIONS_MS, count: 0 };
    }
    if (this.#recent.count++ < MOST_DECISIONS) return;
    this.#manager.stop();
    const seconds = DECISIONS_MS / 1000;
    throw new Error(`${MOST_DECISIONS} decisions within ${seconds} s`);
  }

  #note(text: string): void {
    const time = (this.#world.clock.now() / 1000).toFixed(3).padStart(9);
    const line = `${time}  ${text}`;
    this.#lines.push(line);
    this.#options.log?.(line);
  }

  /** Does steps; returns what is wrong, with the steps up to there. */
  async fails(steps: readonly string[]): Promise<Failure | undefined> {
    const { afterCalm, calmMs = 300_000 } = this.#options;
    let done = 0;
    try {
      await this.#pass(STEP_MS);
      for (const step of steps) {
        done++;
        this.#note(step);
        const [, ms] = /^wait (\d+)$/.exec(step) ?? [];
        if (ms === undefined) perform(this.#world, step);
        await this.#pass(Number(ms ?? STEP_MS));
      }
      if (afterCalm === undefined) return undefined;
      this.#note("nothing fails from now on");
      this.#world.calm();
      await this.#pass(calmMs);
      afterCalm(this.#look());
      return undefined;
    } catch (error) {
      return { steps: steps.slice(0, done), error, lines: this.#lines };
    } finally {
      this.#manager.stop();
      await Promise.all(this.#ends);
      this.#pm.close();
    }
  }

  /** Lets time pass, and checks whenever something has happened. */
  async #pass(ms: number): Promise<void> {
    const { clock, kernel } = this.#world;
    const end = clock.now() + ms;
    do {
      const next = Math.min(end, clock.next ?? end);
      await clock.advance(next - clock.now());
      if (this.#errors.length > 0) throw this.#errors[0];
      if (kernel.told === this.#told) continue;
      this.#told = kernel.told;
      this.#world.update();
      this.#options.always?.(this.#look());
    } while (clock.now() < end);
  }

  #look(): SimulatedWorld {
    const world = this.#world;
    return {
      kernel: world.kernel,
      manager: this.#manager,
      now: world.clock.now(),
      decisions: this.#decisions,
      workingMs: (path) => world.workingMs(path),
    };
  }
}

/** Leaves out steps that a failure does not need. */
async function shrink(
  failure: Failure,
  fails: (steps: readonly string[]) => Promise<Failure | undefined>,
): Promise<Failure> {
  let least = failure;
  for (let size = least.steps.length; size > 0; size >>= 1) {
    for (let at = least.steps.length - size; at >= 0; at -= size) {
      const fewer = least.steps.toSpliced(at, size);
      least = await fails(fewer) ?? least;
      at = Math.min(at, least.steps.length);
    }
  }
  return least;
}

function describe(
  { steps, error, lines }: Failure,
  run: number | undefined,
): string {
  const options = [
    ...run === undefined ? [] : [`{ seed: ${run}, runs: 1 }`],
    `{ steps: ${JSON.stringify(steps)} }`,
  ];
  return [
    error instanceof Error ? error.message : `${error}`,
    ...lines.slice(-TRACE_LINES),
    `To repeat it, give simulate() the options ${options.join(", or ")}`,
  ].join("\n");
}

function textOf(
  { action, connection, subflow, address, reason, error, tell }: Decision,
): string {
  const ends = subflow === undefined
    ? address
    : `${subflow.local.address} > ${subflow.remote.address}` +
      (subflow.backup ? " backup" : "") + (tell ? " told" : "");
  const token = connection.token.toString(16).padStart(8, "0");
  return `${action} 0x${token} ${ends}` +
    (error === undefined ? "" : `: ${error.code}`) +
    (reason === undefined ? "" : `  # ${reason}`);
}
