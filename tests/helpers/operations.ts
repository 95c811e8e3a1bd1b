/**
 * Every public operation, for the fault sweeps.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../testing/fake_route.ts";

const TOKEN = 0x1234;
const local = { address: "10.0.0.1", port: 4000 };
const remote = { address: "10.0.0.2", port: 5000 };

/** Two endpoints and a connection with a subflow, for what changes them. */
export function fill(kernel: FakeKernel): void {
  kernel.interfaces = new FakeInterfaces();
  kernel.interfaces.addresses.push({ address: "10.0.0.1", dev: "eth1" });
  using pm = PathManager.open({ namespace: kernel });
  kernel.connect(TOKEN);
  pm.addAddr({ address: "10.0.0.1", dev: "eth1", flags: ["subflow"] });
  pm.addAddr({ address: "fd00::1", id: 9, flags: ["signal"] });
  pm.announce({ token: TOKEN, address: "10.0.0.9", id: 9 });
  pm.subflowCreate({ token: TOKEN, local: { ...local, id: 1 }, remote });
  kernel.sent.length = 0;
  kernel.transports.length = 0;
}

/** All that operations can change, as text. */
export function stateOf(kernel: FakeKernel): string {
  const { limits, connections, sysctls } = kernel;
  return JSON.stringify([
    ...[kernel.endpoints(), limits, [...sysctls]],
    Array.from(connections.values(), (one) => [
      ...[one.token, one.addresses(), one.subflows()],
    ]),
  ]);
}

/** Prepares something, and returns what is to be tested. */
export type Operation = (pm: PathManager) => () => unknown;

/**
 * The operations of a filled kernel by their methods, each in every form that
 * talks to it otherwise.
 */
export const OPERATIONS: Readonly<Record<string, readonly Operation[]>> = {
  addAddr: [
    (pm) => () =>
      pm.addAddr({ address: "10.0.0.3", dev: "eth2", flags: ["subflow"] }),
    (pm) => () => pm.addAddr({ address: "10.0.0.3", dev: 3 }),
    // Refused: it looks for the reason.
    (pm) => () => pm.addAddr({ address: "10.0.0.1" }),
  ],
  delAddr: [
    (pm) => () => pm.delAddr({ id: 9 }),
    (pm) => () => pm.delAddr({ address: "fd00::1" }),
    (pm) => () => pm.delAddr({ dev: "eth1" }),
  ],
  closeInitialSubflows: [
    (pm) => () => pm.closeInitialSubflows({ address: "10.0.0.1" }),
  ],
  endpointAdvice: [
    (pm) => () =>
      pm.endpointAdvice({
        ...{ address: "10.0.0.1", port: 0, id: 1, ifIndex: 0 },
        flags: ["subflow"],
      }),
  ],
  getAddr: [
    (pm) => () => pm.getAddr({ id: 1 }),
    (pm) => () => pm.getAddr({ id: 9, token: TOKEN }),
  ],
  dumpAddrs: [
    (pm) => () => pm.dumpAddrs(),
    (pm) => () => pm.dumpAddrs({ token: TOKEN }),
  ],
  flushAddrs: [(pm) => () => pm.flushAddrs()],
  setLimits: [
    (pm) => () => pm.setLimits({ subflows: 5, addAddrAccepted: 4 }),
  ],
  getLimits: [(pm) => () => pm.getLimits()],
  setFlags: [
    (pm) => () => pm.setFlags({ id: 1, backup: true }),
    (pm) => () => pm.setFlags({ address: "10.0.0.1", fullmesh: true }),
  ],
  setSubflowBackup: [
    (pm) => () =>
      pm.setSubflowBackup({ token: TOKEN, local, remote, backup: true }),
  ],
  announce: [
    (pm) => () =>
      pm.announce({ token: TOKEN, address: "10.0.0.4", id: 4, dev: "lo" }),
  ],
  remove: [(pm) => () => pm.remove({ token: TOKEN, id: 9 })],
  subflowCreate: [
    (pm) => () =>
      pm.subflowCreate({ token: TOKEN, local: { ...local, id: 1 }, remote }),
  ],
  subflowDestroy: [
    (pm) => () => pm.subflowDestroy({ token: TOKEN, local, remote }),
  ],
  events: [
    (pm) => () => pm.events().close(),
    (pm) => () => pm.events({ signal: AbortSignal.abort() }).close(),
  ],
  getMode: [(pm) => () => pm.getMode()],
  setMode: [
    (pm) => () => void pm.setMode("userspace"),
    (pm) => {
      const mode = pm.setMode("userspace");
      return () => mode[Symbol.dispose]();
    },
  ],
};

/** How an operation is written. */
export function sourceOf(operation: Operation): string {
  return operation.toString().replace(/^\(pm\)\s*=>\s*(\(\)\s*=>\s*)?/, "")
    .replaceAll(/\s+/g, " ");
}

/** What became of something: its result or its error, and the state then. */
export interface Attempt {
  readonly outcome: string;
  readonly state: string;
}

/** Does something, and writes down what becomes of it. */
export function attempt(kernel: FakeKernel, action: () => unknown): Attempt {
  let outcome;
  try {
    outcome = `returns ${JSON.stringify(action())}`;
  } catch (error) {
    // What a refusal's hint says depends on what could be found out.
    outcome = `throws ${error}`.split("\nhint: ")[0]!;
  }
  return { outcome, state: stateOf(kernel) };
}

/** What becomes of an operation that is done twice, without any fault. */
export interface Clean {
  readonly before: string;
  readonly once: Attempt;
  readonly twice: Attempt;
}

/** Does an operation of a filled kernel twice. */
export function doTwice(operation: Operation): Clean {
  const kernel = new FakeKernel();
  fill(kernel);
  const action = operation(PathManager.open({ namespace: kernel }));
  const before = stateOf(kernel);
  const [once, twice] = [attempt(kernel, action), attempt(kernel, action)];
  return { before, once, twice };
}

/** An operation was done or was not; either way it can be done now. */
export function assertRepeatable(
  { before, once, twice }: Clean,
  { state }: Attempt,
  repeat: () => Attempt,
  what: string,
): void {
  assert([before, once.state].includes(state), `${what}: half done`);
  const { outcome, state: after } = repeat();
  const expected = state === before ? once : twice;
  assertEquals({ outcome, state: after }, expected, what);
}
