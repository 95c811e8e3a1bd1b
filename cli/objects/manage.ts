import type { LocalAddress, ManageOptions, Policy } from "../../policy/mod.ts";
import { thrownText } from "../../codec/thrown.ts";
import type { Context } from "../context.ts";
import { atExit, lateErrors } from "../late_errors.ts";
import { lostText, type Output } from "../output.ts";
import {
  address,
  type Command,
  command,
  integer,
  type Operand,
  type Operands,
  option,
  UsageError,
  type Values,
  words,
} from "../words/grammar.ts";
import { duration, port } from "../words/operands.ts";
import { decisionOutput, readyOutput } from "./manage_output.ts";

/** Devices by their names, of which any is meant. */
function globs(keyword: string, help: string): Operand<readonly string[]> {
  const [first, second] = keyword.split(" ");
  return {
    usage: `${keyword} GLOB`,
    help,
    required: false,
    words: [[first!, help]],
    values: [
      second === undefined ? ["@dev", "network device"] : [second, help],
    ],
    takesValue: true,
    repeats: true,
    read(word, value, before = []) {
      if (word !== first) return undefined;
      if (second !== undefined && value() !== second) {
        throw new UsageError(`"${first}" is followed by "${second} GLOB"`);
      }
      const glob = value();
      if (glob !== "") return [...before, glob];
      throw new UsageError(`Invalid ${keyword} "": a device's name is needed`);
    },
  };
}

const devices = {
  dev: globs("dev", "use this device, * is any part"),
  not: globs("not dev", "but not this one"),
};
const spares = {
  ...devices,
  dev: globs(
    "dev",
    "the spare's device, * is any part; else any address but the initial one",
  ),
};
const troubles = {
  rto: duration(
    "rto",
    "wait until the retransmission timeout has grown to this",
    "1ms",
    "10m",
  ),
  silence: duration(
    "silence",
    "where nothing came for so long, too: for downloads",
    "1ms",
    "10m",
  ),
  cautious: words("cautious", "wait for the second retransmission", [
    ["cautious", "wait for the second retransmission"],
  ]),
};
const subflows = (help: string) => option("subflows", "N", help, integer);

/** Addresses, any number of them. */
const addresses: Operand<readonly string[]> = {
  ...address("addresses to announce"),
  usage: "ADDR…",
  required: false,
  read(word, _value, before = []) {
    const one = address("").read(word, _value, undefined);
    return typeof one === "string" ? [...before, one] : undefined;
  },
};

/** A program of the user. */
const program: Operand<string, true> = {
  usage: "FILE.ts",
  help: "program whose default export is a policy; ends in .ts or .js",
  required: true,
  words: [],
  values: [],
  takesValue: false,
  read: (word, _value, before) =>
    before === undefined && isProgram(word) ? word : undefined,
};

function isProgram(word: string): boolean {
  return /\.[jt]s$/.test(word);
}

const lost = (lines: number): Output => ({
  text: lostText(lines),
  json: { action: "lost", lines },
});

type Policies = typeof import("../../policy/mod.ts");

/** A policy that is ready, as a command. */
function ready<O extends Operands>(
  word: string,
  summary: string,
  operands: O,
  make: (
    policies: Policies,
    values: Values<O>,
  ) => { readonly policy: Policy; readonly options?: ManageOptions },
): Command {
  return command({
    word,
    summary,
    operands,
    options: ["clean"],
    lost,
    async *run(context, { clean, ...values }) {
      const { dev } = values as { readonly dev?: readonly string[] };
      yield* managed(context, (policies) => {
        const { policy, options } = make(
          policies,
          values as unknown as Values<O>,
        );
        return { policy, options: { ...options, clean }, dev };
      });
    },
  });
}

/** Milliseconds by other names. */
function trouble(
  { rto, silence, cautious }: Values<typeof troubles>,
) {
  return {
    ...rto !== undefined && { rtoMs: rto },
    ...silence !== undefined && { silenceMs: silence },
    cautious: cautious !== undefined,
  };
}

type Devices = Values<typeof devices>;

/** Which addresses are meant; `undefined`: nothing was said. */
function chosen({ byDevice }: Policies, { dev = [], not = [] }: Devices):
  | ((address: LocalAddress) => boolean)
  | undefined {
  return dev.length + not.length === 0 ? undefined : byDevice(dev, not);
}

const interfaces = (policies: Policies, values: Devices): ManageOptions => {
  const found = chosen(policies, values);
  return found === undefined ? {} : { interfaces: found };
};

const spare = (policies: Policies, values: Devices) => {
  const found = chosen(policies, values);
  return found === undefined ? {} : { spare: found };
};

/** `mptcp manage …` */
export const COMMANDS: readonly Command[] = [
  ready(
    "fullmesh",
    "Open a subflow from each address here to each of the peer",
    {
      ...devices,
      subflows: subflows("how many at the most, 1 to 255, 9 if not given"),
    },
    (policies, { subflows, ...values }) => ({
      policy: policies.fullmesh({ ...subflows !== undefined && { subflows } }),
      options: { ...interfaces(policies, values), retry: true },
    }),
  ),
  ready(
    "ndiffports",
    "Have several subflows between the same two addresses",
    { subflows: subflows("how many, 1 to 255, 2 if not given") },
    ({ ndiffports }, values) => ({
      policy: ndiffports(values),
      options: { retry: true },
    }),
  ),
  ready(
    "backup",
    "Have a spare subflow, which carries all as soon as others are in trouble",
    { ...spares, ...troubles },
    (policies, values) => ({
      policy: policies.backup({
        ...spare(policies, values),
        ...trouble(values),
      }),
    }),
  ),
  ready(
    "on-demand",
    "Open a spare subflow when others are in trouble, and close it afterwards",
    {
      ...spares,
      ...troubles,
      health: duration(
        "health",
        "how long a path has to work again, 10s if not given",
        "1ms",
        "5m",
      ),
    },
    (policies, { health, ...values }) => ({
      policy: policies.onDemand({
        ...spare(policies, values),
        ...trouble(values),
        ...health !== undefined && { healthMs: health },
      }),
    }),
  ),
  ready(
    "announce",
    "Announce addresses to the clients of this server",
    { addresses, port },
    ({ announce }, values) => ({ policy: announce(values) }),
  ),
  ready(
    "refresh",
    "Have several subflows, and replace the one that carries least",
    {
      subflows: subflows("how many, 2 to 255, 5 if not given"),
      every: duration("every", "how often, 3s if not given", "100ms", "10m"),
    },
    ({ refresh }, { every, ...values }) => ({
      policy: refresh({
        ...values,
        ...every !== undefined && { everyMs: every },
      }),
    }),
  ),
  ready(
    "keep",
    "Open subflows again that close, by the reason",
    devices,
    (policies, values) => ({
      policy: policies.keep(),
      options: interfaces(policies, values),
    }),
  ),
  command({
    word: "file",
    isMeantBy: isProgram,
    summary: "Run a policy of your own: what a file exports as its default",
    operands: {
      file: program,
      ...devices,
    },
    options: ["clean"],
    lost,
    async *run(context, { file, clean, ...values }) {
      const { ownPolicy, placeIn } = await import("./own_policy.ts");
      yield* managed(context, async (policies) => ({
        policy: await ownPolicy(context, file),
        options: { ...interfaces(policies, values), clean },
        dev: values.dev,
      }), (thrown) => placeIn(file, thrown));
    },
  }),
];

/** A policy, and how it is run. */
interface Run {
  readonly policy: Policy;
  readonly options: ManageOptions;
  /** The devices that were named. */
  readonly dev?: readonly string[] | undefined;
}

/** The most devices that are named in a line. */
const MOST_NAMES = 10;

/** Says which devices are not there: they may come, or be misspelt. */
async function hintAtDevices(
  context: Context,
  { byDevice }: Policies,
  globs: readonly string[],
): Promise<void> {
  const links = (await context.diag()).links();
  const there = links.filter(({ flags }) => !flags.includes("loopback"))
    .map(({ dev }) => dev);
  const names = there.slice(0, MOST_NAMES).join(", ") +
    (there.length > MOST_NAMES ? ` and ${there.length - MOST_NAMES} more` : "");
  for (const glob of globs) {
    const fits = byDevice([glob]);
    if (links.some(({ dev, ifIndex }) => fits({ address: "", dev, ifIndex }))) {
      continue;
    }
    context.hint(
      `no device fits "${glob}" yet; there ` +
        (there.length === 0
          ? "is none but loopback"
          : `${there.length === 1 ? "is" : "are"} ${names}`),
    );
  }
}

/**
 * Runs a policy until the program is stopped, and says what it decides.
 *
 * @param make Makes it.
 * @param placeOf Where something was thrown, as far as that is known.
 */
async function* managed(
  context: Context,
  make: (policies: Policies) => Run | Promise<Run>,
  placeOf: (thrown: unknown) => string = () => "",
): AsyncGenerator<Output> {
  const policies = await import("../../policy/mod.ts");
  using _late = lateErrors((thrown) =>
    context.warn(
      `The policy failed outside of its callbacks: ${thrownText(thrown)}` +
        placeOf(thrown),
    )
  );
  const { policy, options, dev } = await make(policies);
  if (dev !== undefined) await hintAtDevices(context, policies, dev);
  const pm = context.pm();
  const stop = context.stop();
  const decided: Output[] = [];
  let wake = Promise.withResolvers<void>();
  using manager = policies.manage(pm, policy, {
    ...options,
    setMode: true,
    signal: stop.signal,
    onDecision(decision) {
      // As it is now: it has no port yet where it is being opened.
      decided.push(decisionOutput(decision));
      wake.resolve();
    },
    onWarning: (message) => context.warn(message),
    onError(error) {
      const { message, cause } = error as Error;
      context.warn(message + placeOf(cause));
    },
  });
  using _exit = atExit(() => {
    context.warn("The policy ends the program");
    manager.stop();
  });
  let isOver = false;
  const end = () => {
    isOver = true;
    wake.resolve();
  };
  manager.finished.then(end, end);
  yield readyOutput(manager.connections.size);
  while (!isOver || decided.length > 0) {
    await wake.promise;
    if (!isOver) wake = Promise.withResolvers();
    yield* decided.splice(0);
  }
  await manager.finished;
}
