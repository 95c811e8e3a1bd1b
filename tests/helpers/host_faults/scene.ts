/**
 * Hosts in known states, on which the doctor is proven.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Host } from "../../../testing/host.ts";
import { Lab, type LabConnection } from "../../../testing/lab.ts";
import { makeUplinks } from "../uplinks.ts";

/** What `nstat` and `ss` show. */
export interface Signs {
  /** The counters that moved, without `MPTcpExt`, sorted. */
  readonly client: string;
  /** Those of the server. */
  readonly server: string;
  /**
   * The client's TCP sockets: the device or address that each is bound to; its
   * flags, and whether it waits longer and longer for an ack; or the state of one
   * that is not established.
   */
  readonly sockets: string;
}

/** A host in a known state. */
export interface HostState {
  readonly name: string;
  /** The host on which the doctor is run. */
  readonly where: "client" | "server";
  /** How many paths the lab is to have. @default {2} */
  readonly paths?: number;
  /**
   * Brings it about in a lab with uplinks, and connects.
   *
   * @param lab The hosts.
   * @param stack Takes what else has to be closed.
   */
  make(lab: Lab, stack: DisposableStack): LabConnection;
  /** What has to be seen then, by other tools. */
  readonly signs: Signs;
}

/** A host whose connections have no second subflow, or lose it. */
export interface HostFault extends HostState {
  /** The check of the doctor that has to find it first. */
  readonly check: string;
  /**
   * What gets a second subflow by the mend: the connection of `make`, or only
   * the next one, or none.
   */
  readonly mended: "this connection" | "the next connection" | "nothing";
  /** What the user does before the commands that the doctor names. */
  readonly repair?: (lab: Lab, connection: LabConnection) => void;
  /** How the next connection is made. @default {connect} */
  readonly reconnect?: (lab: Lab) => LabConnection;
  /** How often the doctor finds something else then. @default {0} */
  readonly furtherFaults?: number;
}

/** A state that was brought about. */
export class Scene implements Disposable {
  readonly lab: Lab;
  /** What `make` returned. */
  readonly connection: LabConnection;
  readonly #stack: DisposableStack;

  private constructor(
    lab: Lab,
    connection: LabConnection,
    stack: DisposableStack,
  ) {
    this.lab = lab;
    this.connection = connection;
    this.#stack = stack;
  }

  /** Brings a state about, and waits until other tools see it. */
  static open({ name, paths = 2, make, signs }: HostState): Scene {
    using stack = new DisposableStack();
    const lab = stack.use(Lab.open({ paths }));
    makeUplinks(lab, paths);
    const connection = make(lab, stack);
    waitForSigns(lab, signs, name);
    return new Scene(lab, connection, stack.move());
  }

  /** Removes the hosts. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** How many hosts are looked at together: most of the time the doctor waits. */
const TOGETHER = 6;

/**
 * Does something in each state, in several at a time.
 *
 * @throws {AssertionError} It fails somewhere; the message has all failures.
 */
export async function inEach<State extends HostState>(
  states: readonly State[],
  attempt: (state: State, scene: Scene) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  const rest = states.values();
  await Promise.all(Array.from({ length: TOGETHER }, async () => {
    for (const state of rest) {
      try {
        using scene = Scene.open(state);
        await attempt(state, scene);
      } catch (error) {
        failures.push(`${state.name}: ${(error as Error).message}`);
      }
    }
  }));
  assertEquals(failures.join("\n\n"), "");
}

/** Waits until other tools see a state, twice: what was to come has come. */
function waitForSigns(lab: Lab, wanted: Signs, name: string): void {
  const end = performance.now() + 60_000;
  for (let times = 0; times < 2;) {
    const seen = signsOf(lab);
    const isSame = JSON.stringify(seen) === JSON.stringify(wanted);
    times = isSame ? times + 1 : 0;
    if (performance.now() > end) assertEquals(seen, wanted, name);
  }
}

/** What is seen in a lab. */
export function signsOf({ client, server }: Lab): Signs {
  return {
    client: counters(client),
    server: counters(server),
    sockets: sockets(client),
  };
}

/** Counters that move or do not, as the data happens to be cut and ordered. */
const BY_CHANCE =
  /^(OFO|DuplicateData|RcvWnd|SndWnd|NoDSSInWindow|MPCurrEstab)/;

function counters(host: Host): string {
  const { kernel } = JSON.parse(host.exec("nstat", "-asj"));
  return Object.entries(kernel)
    .filter(([name, value]) => name.startsWith("MPTcpExt") && value !== 0)
    .map(([name]) => name.replace("MPTcpExt", ""))
    .filter((name) => !BY_CHANCE.test(name))
    .sort().join(" ");
}

function sockets(host: Host): string {
  return host.exec("ss", "-tniHO").split("\n").filter((line) => line !== "")
    .map((line) => {
      const [state, , , local] = line.split(/\s+/);
      const flags = line.match(/ tcp-ulp-mptcp flags:(\w+)/)?.[1] ?? "TCP";
      const place = local!.replace(/:\d+$/, "").replace(/^.*%/, "")
        .replaceAll(/[[\]]/g, "");
      if (state !== "ESTAB") return `${place} ${state}`;
      const retries = line.includes(" backoff:") ? " backoff" : "";
      return `${place} ${flags}${retries}`;
    }).sort().join(", ");
}
