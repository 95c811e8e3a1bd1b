/**
 * What the ready policies promise, whatever happens.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  announce,
  backup,
  type Decision,
  fullmesh,
  keep,
  type LocalAddress,
  ndiffports,
  onDemand,
  type Policy,
  refresh,
} from "../../policy/mod.ts";
import type { ManagedConnection } from "../../policy/mod.ts";
import {
  type FakeConnection,
  type FakeSubflow,
  simulate,
  type SimulatedWorld,
  type SimulateOptions,
} from "../../testing/mod.ts";
import { look } from "../helpers/fake_life.ts";
import { seenLines, trackedLines } from "../helpers/tracked.ts";

const SPARE = "eth2";
const spare = ({ dev }: LocalAddress) => dev === SPARE;
const isSpare = ({ local }: Pick<FakeSubflow, "local">) =>
  /^(::ffff:)?10\.0\.3\.|^fd00:3:/.test(local.address);
const plain = (address: string) =>
  address.includes(".") ? address.replace("::ffff:", "") : address;
const familyOf = (address: string) => plain(address).includes(":");
const pairOf = ({ local, remote }: Pick<FakeSubflow, "local" | "remote">) =>
  `${plain(local.address)} > ${plain(remote.address)}`;

const isEstablished = ({ state }: FakeSubflow) => state === "established";

/** What a connection has, and what the manager makes of it. */
interface Both {
  readonly fake: FakeConnection;
  readonly managed: ManagedConnection;
}

/** The connections that policies for clients have to care for. */
function clients({ kernel, manager }: SimulatedWorld): Both[] {
  return [...kernel.connections.values()]
    .filter(({ serverSide, established }) => !serverSide && established)
    .map((fake) => ({
      fake,
      managed: manager.connections.get(fake.token)!,
    }))
    // Nobody can see who began, if only a subflow of the peer is left.
    .filter(({ managed }) => !managed.serverSide);
}

/** The subflows of this host. */
function own({ fake }: Pick<Both, "fake">): FakeSubflow[] {
  return fake.subflows().filter(({ openedHere }) => openedHere);
}

function assertHas({ fake }: Both, pair: string, world: SimulatedWorld): void {
  const is = own({ fake }).filter((one) => pairOf(one) === pair);
  const text = is.map(({ state }) => state).join();
  assert(
    is.some(isEstablished),
    `0x${fake.token.toString(16)} has no subflow ${pair}, but ${text} at ` +
      `${world.now}`,
  );
}

/** A subflow starts where the connection began, whoever opened it. */
function assertStarts({ fake }: Both, { now }: SimulatedWorld): void {
  const address = plain(fake.local.address);
  const is = fake.subflows().filter(({ local }) =>
    plain(local.address) === address
  );
  assert(is.some(isEstablished), `nothing starts from ${address} at ${now}`);
}

/** The pairs between which the peer has closed a subflow without an error. */
const finished = new WeakMap<ManagedConnection, Set<string>>();
/** Those between which the peer has refused the last one. */
const refused = new WeakMap<ManagedConnection, Set<string>>();
/** Those between which a subflow of this host has ended. */
const ended = new WeakMap<ManagedConnection, Set<string>>();

function note(
  all: WeakMap<ManagedConnection, Set<string>>,
  connection: ManagedConnection,
  pair: string,
): void {
  all.set(connection, (all.get(connection) ?? new Set()).add(pair));
}

/** The same policy, of which it is known what it was told. */
function watched(policy: Policy): Policy {
  const { subflowClosed } = policy;
  policy.subflowClosed = (connection, subflow) => {
    const pair = pairOf(subflow);
    if (subflow.error === undefined) note(finished, connection, pair);
    else finished.get(connection)?.delete(pair);
    if (subflow.error?.code === "ECONNREFUSED") note(refused, connection, pair);
    else refused.get(connection)?.delete(pair);
    if (subflow.openedHere) note(ended, connection, pair);
    return subflowClosed?.call(policy, connection, subflow);
  };
  return policy;
}

/** No two subflows between the same ends. */
function oneForEachPair({ kernel }: SimulatedWorld, most = 1): void {
  for (const fake of kernel.connections.values()) {
    const pairs = new Map<string, number>();
    for (const subflow of own({ fake })) {
      const pair = pairOf(subflow);
      pairs.set(pair, 1 + (pairs.get(pair) ?? 0));
      assert(pairs.get(pair)! <= most, `${pairs.get(pair)} subflows ${pair}`);
    }
  }
}

/** How many decisions of a run have been looked at. */
const seen = new WeakMap<readonly Decision[], number>();

/** What has been decided since the last look. */
function recent({ decisions }: SimulatedWorld): readonly Decision[] {
  const from = seen.get(decisions) ?? 0;
  seen.set(decisions, decisions.length);
  return decisions.slice(from).filter(({ error }) => error === undefined);
}

/** Nobody closes the only subflow that carries data. */
function oneIsLeft(all: readonly Decision[]): void {
  for (const { action, connection, reason } of all) {
    if (action !== "close" || connection.closed) continue;
    if (reason === "no answer") continue;
    const { subflows } = connection;
    const isLeft = subflows.some(({ state }) => state === "established");
    assert(isLeft, `the last subflow was closed: ${reason}`);
  }
}

/** A retransmission that goes on after a path works again, at most. */
const STUCK_MS = 130_000;

/** The spare is opened only where no path works besides. */
function spareIsNeeded(
  world: SimulatedWorld,
  all: readonly Decision[],
): void {
  for (const { action, connection, subflow } of all) {
    if (action !== "open" || connection.closed || !isSpare(subflow!)) continue;
    const fake = world.kernel.connections.get(connection.token);
    if (fake === undefined || isSpare(fake)) continue;
    const working = own({ fake }).filter((one) =>
      isEstablished(one) && !isSpare(one) && world.workingMs(one) > STUCK_MS
    );
    // It may be younger than the decision.
    const old = working.filter(({ local }) =>
      connection.subflows.some((one) =>
        one.local.port === local.port && world.now - one.since > 1000
      )
    );
    assertEquals(old, [], "the spare is not needed");
  }
}

const HERE = [1, 2, 3].flatMap((at) => [`10.0.${at}.1`, `fd00:${at}::1`]);

/** The addresses of this host that fit. */
function here({ fake }: Both): string[] {
  const socket = fake.local.address;
  return HERE.filter((address) =>
    socket.includes(":") || !address.includes(":")
  );
}

const RETRY = { retry: true };

/** Twice the longest wait, and some more, in milliseconds. */
const CALM_MS = 150_000;

/** What each promises. */
const PROMISES: Record<string, [() => Policy, SimulateOptions]> = {
  fullmesh: [() => fullmesh({ subflows: 255 }), {
    manage: RETRY,
    always: oneForEachPair,
    afterCalm(world) {
      for (const both of clients(world)) {
        for (const address of here(both)) {
          for (const peer of both.managed.peers) {
            if (familyOf(address) !== familyOf(peer.address)) continue;
            const local = { address, port: 0 };
            const pair = pairOf({ local, remote: peer });
            if (finished.get(both.managed)?.has(pair)) continue;
            const { denyJoinId0, remote } = both.fake;
            if (denyJoinId0 && plain(remote.address) === plain(peer.address)) {
              continue;
            }
            assertHas(both, pair, world);
          }
        }
      }
    },
  }],
  ndiffports: [() => ndiffports({ subflows: 3 }), {
    manage: RETRY,
    always: (world) => oneForEachPair(world, 3),
    afterCalm(world) {
      for (const both of clients(world)) {
        if (finished.has(both.managed) || both.fake.denyJoinId0) continue;
        const first = pairOf(both.fake);
        const is = own(both).filter((one) =>
          isEstablished(one) && pairOf(one) === first
        );
        assertEquals(is.length, 3, first);
      }
    },
  }],
  backup: [() => backup({ spare }), {
    always(world) {
      oneForEachPair(world);
      oneIsLeft(recent(world));
    },
    afterCalm(world) {
      for (const both of clients(world)) {
        const { fake } = both;
        if (fake.denyJoinId0) continue;
        assertStarts(both, world);
        const hasSpare = own(both).some((one) =>
          isEstablished(one) && isSpare(one)
        );
        assert(hasSpare, `there is no spare at ${world.now}`);
      }
    },
  }],
  onDemand: [() => onDemand({ spare, healthMs: 1000 }), {
    always(world) {
      oneForEachPair(world);
      const all = recent(world);
      oneIsLeft(all);
      spareIsNeeded(world, all);
    },
    afterCalm(world) {
      for (const both of clients(world)) {
        const { fake } = both;
        if (fake.denyJoinId0) continue;
        assertStarts(both, world);
        // What another program has opened is its own.
        const opened = new Set(
          world.decisions.map(({ subflow }) => subflow?.local.port),
        );
        const spares = own(both).filter((one) =>
          isSpare(one) && pairOf(one) !== pairOf(fake) &&
          opened.has(one.local.port)
        );
        assertEquals(spares, [], "the spare is there still");
      }
    },
  }],
  announce: [announce, {
    afterCalm({ kernel, manager, decisions }) {
      for (const fake of kernel.connections.values()) {
        if (!fake.serverSide || !fake.established) continue;
        // Nobody can see who began, if the initial subflow has gone.
        if (!manager.connections.get(fake.token)!.serverSide) continue;
        const announced = fake.addresses().map(({ address }) => address);
        // The kernel forgets an address from which another program has failed,
        // but it has told the peer.
        const isTold = (address: string) => {
          const last = decisions.findLast((one) =>
            one.connection.token === fake.token && one.address === address
          );
          return last?.action === "announce" && last.error === undefined;
        };
        const wanted = HERE.filter((address) =>
          familyOf(address) === familyOf(fake.local.address) &&
          address !== plain(fake.local.address)
        );
        for (const one of wanted) {
          const is = announced.includes(one) || isTold(one);
          assert(is, `${one} is not announced`);
        }
      }
    },
  }],
  refresh: [() => refresh({ subflows: 3 }), {
    always(world) {
      oneForEachPair(world, 3);
      oneIsLeft(recent(world));
    },
    afterCalm(world) {
      for (const both of clients(world)) {
        if (both.fake.denyJoinId0) continue;
        assertEquals(own(both).filter(isEstablished).length >= 3, true);
      }
    },
  }],
  keep: [keep, {
    always: oneForEachPair,
    afterCalm(world) {
      for (const both of clients(world)) {
        const { managed } = both;
        const offered = managed.peers.map(({ address }) => plain(address));
        for (const pair of ended.get(managed) ?? []) {
          const [, remote] = pair.split(" > ");
          if (refused.get(managed)?.has(pair)) continue;
          if (offered.includes(remote!)) assertHas(both, pair, world);
        }
      }
    },
  }],
};

/** What all of them promise in the end: the manager knows what is there. */
function knowsAll({ manager, kernel }: SimulatedWorld): void {
  const known = trackedLines(manager.connections.values());
  assertEquals(known, seenLines(look(kernel)));
}

/** The policies by their names. */
export const POLICIES: readonly string[] = Object.keys(PROMISES);

/** Runs a policy in random worlds, and checks what it promises. */
export async function checkPromises(
  name: string,
  { isShort = false, ...more }: SimulateOptions & {
    /** Whether there is no calm at the end. */
    readonly isShort?: boolean;
  },
): Promise<void> {
  const [policy, { afterCalm, ...options }] = PROMISES[name]!;
  await simulate(() => watched(policy()), {
    calmMs: CALM_MS,
    ...options,
    ...more,
    ...!isShort && {
      afterCalm(world) {
        knowsAll(world);
        afterCalm?.(world);
      },
    },
  });
}
