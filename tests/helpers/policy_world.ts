/**
 * A host with three addresses on three devices, and what manages it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { PathManager } from "../../mod.ts";
import {
  manage,
  type ManageOptions,
  type Manager,
  type Policy,
} from "../../policy/mod.ts";
import {
  FakeClock,
  type FakeConnection,
  FakeInterfaces,
  type FakeNetwork,
} from "../../testing/mod.ts";
import { LateKernel } from "../../testing/late_kernel.ts";

/** Where connections begin. */
export const local = { address: "10.0.0.1", port: 40000 };

/** The host; it fails at its end if there were problems. */
export class World implements AsyncDisposable {
  readonly kernel: LateKernel = new LateKernel();
  readonly clock: FakeClock = new FakeClock();
  readonly managers: Manager[] = [];
  readonly problems: string[] = [];
  readonly decisions: string[] = [];

  constructor(network: FakeNetwork = {}) {
    this.kernel.network = network;
    this.kernel.clock = this.clock;
    this.kernel.sysctls.set("path_manager", "userspace");
    const { addresses } = this.kernel.interfaces = new FakeInterfaces();
    for (const number of [0, 1, 2]) {
      addresses.push({ address: `10.0.${number}.1`, dev: `eth${number}` });
    }
  }

  pm(): PathManager {
    return PathManager.open({ namespace: this.kernel });
  }

  async start(policy: Policy, options: ManageOptions = {}): Promise<Manager> {
    const manager = manage(this.pm(), policy, {
      onWarning: (message) => this.problems.push(message),
      onError: (error) => this.problems.push(`${(error as Error).cause}`),
      onDecision: ({ action, subflow, address, tell, reason, error }) =>
        this.decisions.push(
          [
            ...[action, subflow?.local.address ?? address, tell && "told"],
            ...[reason, error?.code],
          ].filter(Boolean).join(" "),
        ),
      ...options,
    });
    this.managers.push(manager);
    await this.turn();
    return manager;
  }

  /** Lets time pass, and all react: some do so in batches, every 4 ms. */
  turn(ms = 5): Promise<void> {
    return this.clock.advance(ms);
  }

  connect(options = {}): FakeConnection {
    const tokens = [...this.kernel.connections.keys()];
    return this.kernel.connect(5 + tokens.length, { local, ...options });
  }

  /** Takes what has been told since the last time. */
  taken(): string[] {
    return this.decisions.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const manager of this.managers) {
      manager.stop();
      await manager.finished;
    }
    assertEquals(this.problems, []);
  }
}

/** The paths of a connection, with the ids and devices that they have. */
export function paths(connection: FakeConnection): string[] {
  return connection.subflows().map(({ local, locId, remote, ifIndex }) =>
    `${local.address}#${locId} ${remote.address} ${ifIndex}`
  ).toSorted();
}
