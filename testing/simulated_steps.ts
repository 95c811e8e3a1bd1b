/**
 * What can happen to a host with connections, and to what is between it and its
 * peer.
 *
 * @module
 */

import { ArgumentTypeError } from "../codec/argument_error.ts";
import type { FakeConnection } from "./fake_connection.ts";
import { pick, type Random } from "./random.ts";
import {
  type Device,
  pairOf,
  plain,
  PORT,
  type Slot,
  type Traffic,
  type Way,
  type World,
} from "./simulated_world.ts";

const ENOMEM = 12;
const EADDRNOTAVAIL = 99;
const ENETDOWN = 100;
const ECONNRESET = 104;
const ENOBUFS = 105;
const ETIMEDOUT = 110;
const EHOSTUNREACH = 113;

/** Something that can happen. */
interface Step {
  /** How often, compared with others. */
  readonly weight: number;
  /** What each operand may be; what stands there twice is twice as likely. */
  readonly operands: readonly (readonly string[])[];
  readonly run: (world: World, ...operands: string[]) => void;
}

const SLOT = ["1", "2"];
/** The devices of the world stand for it. */
const DEVICE: readonly string[] = [];
/** Places in the list of the peer's addresses. */
const PEER = ["0", "1", "2", "3"];
const COUNT = ["1", "2", "3", "4"];
const ERROR = [ECONNRESET, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, 0].map(String);
const REFUSAL = [0, 0, ENOMEM, EADDRNOTAVAIL, ENETDOWN, ENOBUFS].map(String);

/** Does something with a connection that is there. */
function withSlot(
  run: (slot: Slot, world: World, ...operands: string[]) => void,
): Step["run"] {
  return (world, number, ...operands) => {
    const slot = world.slot(number!);
    if (slot !== undefined && !slot.isOver) run(slot, world, ...operands);
  };
}

/** Does something with a subflow that is there. */
function withSubflow(
  run: (connection: FakeConnection, at: number, operand: string) => void,
): Step["run"] {
  return withSlot(({ connection }, _world, at, operand) => {
    const count = connection.subflows().length;
    if (count > 0) run(connection, Number(at) % count, operand!);
  });
}

/** Does something with a device. */
function withDevice(
  run: (device: Device, world: World, operand: string) => void,
): Step["run"] {
  return (world, name, operand) => run(world.device(name!), world, operand!);
}

/** All that can happen, by the word that a step begins with. */
const STEPS: Readonly<Record<string, Step>> = {
  connect: {
    weight: 8,
    operands: [
      ...[SLOT, DEVICE, ["ipv4", "ipv4", "ipv6", "mapped"]],
      ["client", "client", "client", "early", "deny", "server", "accepted"],
    ],
    run: (world, number, device, family, kind) =>
      world.connect(number!, device!, family!, kind!),
  },
  establish: {
    weight: 3,
    operands: [SLOT],
    run: withSlot(({ connection }) => connection.establish()),
  },
  end: {
    weight: 1,
    operands: [SLOT],
    run: (world, number) => world.slot(number!)?.connection.close(),
  },
  traffic: {
    weight: 8,
    operands: [SLOT, ["sending", "sending", "receiving", "paused", "idle"]],
    run: withSlot((slot, world, traffic) =>
      world.setTraffic(slot, traffic as Traffic)
    ),
  },
  cut: {
    weight: 6,
    operands: [DEVICE, ["silent", "silent", "resets", "unreachable"]],
    run: withDevice((device, world, way) => world.setWay(device, way as Way)),
  },
  mend: {
    weight: 6,
    operands: [DEVICE],
    run: withDevice((device, world) => world.setWay(device, "works")),
  },
  unplug: {
    weight: 2,
    operands: [DEVICE],
    run: withDevice((device, world) => world.setLink(device, ["up"])),
  },
  down: {
    weight: 2,
    operands: [DEVICE],
    run: withDevice((device, world) => world.setLink(device, [])),
  },
  "drop-addresses": {
    weight: 2,
    operands: [DEVICE],
    run: withDevice((device, world) => world.dropAddresses(device)),
  },
  up: {
    weight: 6,
    operands: [DEVICE],
    run: withDevice((device, world) => world.raise(device)),
  },
  rename: {
    weight: 1,
    operands: [DEVICE],
    run: withDevice((device, world) =>
      world.rename(device, `${device.name}-new`)
    ),
  },
  refuse: {
    weight: 2,
    operands: [PEER],
    run: (world, number) => void (world.peer(number!).answers = false),
  },
  accept: {
    weight: 2,
    operands: [PEER],
    run: (world, number) => void (world.peer(number!).answers = true),
  },
  limit: {
    weight: 1,
    operands: [SLOT, COUNT],
    run: withSlot((slot, _world, most) => void (slot.limit = Number(most))),
  },
  close: {
    weight: 6,
    operands: [SLOT, COUNT, ERROR],
    run: withSubflow((connection, at, errno) =>
      connection.closeSubflow(at, Number(errno))
    ),
  },
  announce: {
    weight: 4,
    operands: [SLOT, PEER],
    run: withSlot(({ connection: { token } }, world, number) => {
      const { address, id: remId } = world.peer(number!);
      const remote = { address, port: PORT };
      if (remId === 0) return;
      world.kernel.emitEvent("announced", { token, remote, remId });
    }),
  },
  remove: {
    weight: 2,
    operands: [SLOT, PEER],
    run: withSlot((slot, world, number) =>
      world.remove(slot, world.peer(number!))
    ),
  },
  join: {
    weight: 2,
    operands: [SLOT, DEVICE],
    run: withSlot((slot, world, name) => world.join(slot, world.device(name!))),
  },
  priority: {
    weight: 1,
    operands: [SLOT, COUNT, ["normal", "backup"]],
    run: withSubflow((connection, at, priority) =>
      connection.setSubflow(at, { backupByPeer: priority === "backup" })
    ),
  },
  errors: {
    weight: 2,
    operands: [REFUSAL],
    run: (world, errno) => world.setErrno(Number(errno)),
  },
  "other-opens": {
    weight: 1,
    operands: [SLOT, DEVICE, COUNT],
    run: withSlot(({ connection }, world, name, id) => {
      const { token, local, remote } = connection;
      const at = Number(!local.address.includes("."));
      const address = world.device(name!).addresses[at]!;
      const to = { ...remote, address: plain(remote.address) };
      const isThere = connection.subflows().some((one) =>
        pairOf(one.local.address, one.remote.address) ===
          pairOf(address, to.address)
      );
      if (isThere) return;
      world.other((pm) =>
        pm.subflowCreate({
          ...{ token, local: { address, id: Number(id) }, remote: to },
        })
      );
    }),
  },
  "other-announces": {
    weight: 1,
    operands: [SLOT, DEVICE, COUNT],
    run: withSlot(({ connection: { token } }, world, name, id) => {
      const address = world.device(name!).addresses[0]!;
      world.other((pm) => pm.announce({ token, address, id: Number(id) }));
    }),
  },
  late: {
    weight: 2,
    operands: [],
    run: ({ kernel }) => void (kernel.isLate = true),
  },
  deliver: {
    weight: 2,
    operands: [COUNT],
    run: ({ kernel }, count) => kernel.deliver(Number(count)),
  },
  "on-time": {
    weight: 3,
    operands: [],
    run({ kernel }) {
      kernel.isLate = false;
      kernel.deliver();
    },
  },
  overrun: {
    weight: 1,
    operands: [],
    run({ kernel }) {
      kernel.isLate = false;
      kernel.lose();
    },
  },
  restart: {
    weight: 1,
    operands: [],
    run: (world) => world.restart(),
  },
};

const WAITS_MS = [100, 300, 1000, 1000, 3000, 10_000, 30_000];

function operandsOf(
  { operands }: Step,
  devices: readonly string[],
): (readonly string[])[] {
  return operands.map((one) => one === DEVICE ? devices : one);
}

/** Does a step, such as `cut eth0 silent`. */
export function perform(world: World, step: string): void {
  const [verb, ...operands] = step.split(" ");
  STEPS[verb!]!.run(world, ...operands);
  world.update();
}

/**
 * Checks that there is such a step.
 *
 * @throws {TypeError} There is none.
 */
export function checkStep(step: string, devices: readonly string[]): void {
  if (/^wait \d+$/.test(step)) return;
  const [verb, ...given] = step.split(" ");
  const known = Object.hasOwn(STEPS, verb!) ? STEPS[verb!] : undefined;
  if (known === undefined) {
    const verbs = Object.keys(STEPS).join(", ");
    throw new ArgumentTypeError(
      `Unknown step "${step}": it begins with wait, ${verbs}`,
    );
  }
  const operands = operandsOf(known, devices);
  const isRight = given.length === operands.length &&
    operands.every((values, at) => values.includes(given[at]!));
  if (isRight) return;
  const usage = operands.map((values) => [...new Set(values)].join("|"));
  throw new ArgumentTypeError(
    `Invalid step "${step}": ${[verb, ...usage].join(" ")} is needed`,
  );
}

/** Random steps: in each series some things never happen. */
export function randomSteps(
  random: Random,
  devices: readonly string[],
  count: number,
): string[] {
  const bag = Object.entries(STEPS).flatMap(([verb, { weight }]) =>
    verb === "connect" || random(2) === 0
      ? Array.from<string>({ length: weight }).fill(verb)
      : []
  );
  return Array.from({ length: count }, () => {
    if (random(4) === 0) return `wait ${pick(random, WAITS_MS)}`;
    const verb = pick(random, bag);
    const operands = operandsOf(STEPS[verb]!, devices);
    return [verb, ...operands.map((values) => pick(random, values))].join(" ");
  });
}
