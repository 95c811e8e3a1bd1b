/**
 * Hosts with one fault each, on which the doctor is proven.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Host } from "../../../testing/host.ts";
import { Lab, type LabConnection } from "../../../testing/lab.ts";
import { connect, makeUplinks } from "../uplinks.ts";

/** What `nstat` and `ss` show. */
export interface Signs {
  /** The counters that moved, without `MPTcpExt`, sorted. */
  readonly client: string;
  /** Those of the server. */
  readonly server: string;
  /**
   * The client's TCP sockets: the device or address that one is bound to, and
   * its flags, or the state of one that is not established.
   */
  readonly sockets: string;
}

/** A host whose connections have no second subflow, or lose it. */
export interface HostFault {
  readonly name: string;
  /** The check of the doctor that has to find it first. */
  readonly check: string;
  /** The host on which the doctor is run. */
  readonly where: "client" | "server";
  /** How many paths the lab is to have. @default {2} */
  readonly paths?: number;
  /**
   * Makes the fault in a lab with uplinks, and a connection that suffers from it.
   *
   * @param lab The hosts.
   * @param stack Takes what else has to be closed.
   */
  make(lab: Lab, stack: DisposableStack): LabConnection;
  /** What has to be seen then, by other tools. */
  readonly signs: Signs;
  /**
   * Whether the mend gives the connection of `make` its second subflow, or only
   * the next one.
   */
  readonly isLive: boolean;
  /** What the user does beside the commands that the doctor names. */
  readonly repair?: (lab: Lab, connection: LabConnection) => void;
  /** How the next connection is made. @default {connect} */
  readonly reconnect?: (lab: Lab) => LabConnection;
}

/** A fault that was made. */
export class Scene implements Disposable {
  readonly fault: HostFault;
  readonly lab: Lab;
  readonly connection: LabConnection;
  readonly #stack: DisposableStack;

  private constructor(
    fault: HostFault,
    lab: Lab,
    connection: LabConnection,
    stack: DisposableStack,
  ) {
    this.fault = fault;
    this.lab = lab;
    this.connection = connection;
    this.#stack = stack;
  }

  /** Makes a fault, and waits until other tools see it. */
  static open(fault: HostFault): Scene {
    using stack = new DisposableStack();
    const lab = stack.use(Lab.open({ paths: fault.paths ?? 2 }));
    makeUplinks(lab);
    const connection = fault.make(lab, stack);
    waitForSigns(lab, fault.signs, fault.name);
    return new Scene(fault, lab, connection, stack.move());
  }

  /** The host on which the doctor is run. */
  get host(): Host {
    return this.lab[this.fault.where];
  }

  /** The other one. */
  get peer(): Host {
    return this.lab[this.fault.where === "client" ? "server" : "client"];
  }

  /** Closes the connection and makes another. */
  reconnect(): LabConnection {
    this.connection.close();
    return (this.fault.reconnect ?? connect)(this.lab);
  }

  /** Removes the hosts. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** Waits until other tools see a fault, twice: what was to come has come. */
function waitForSigns(lab: Lab, wanted: Signs, name: string): void {
  const end = performance.now() + 3000;
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
      const place = local!.replace(/:\d+$/, "").replace(/^.*%/, "");
      return `${place} ${state === "ESTAB" ? flags : state}`;
    }).sort().join(", ");
}
