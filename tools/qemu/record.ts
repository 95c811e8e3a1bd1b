/**
 * Asks the running kernel what tests/helpers/kernel_scenarios.ts has, and prints
 * each byte: lines for tests/golden/older_kernels.jsonl.
 *
 *     deno run -A tools/qemu/record.ts NAME
 *
 * @module
 */

import type { Netns } from "../../ffi/netns.ts";
import {
  type Namespace,
  NotFoundError,
  openNamespace,
  PathManager,
  type PathManagerEvent,
  type Subscription,
  type Transport,
} from "../../mod.ts";
import {
  ForwardingNamespace,
  ForwardingTransport,
} from "../../netlink/forwarding.ts";
import { Lab, until } from "../../testing/lab.ts";
import { SCENARIOS, type Scene } from "../../tests/helpers/kernel_scenarios.ts";

/** Takes down a datagram. */
type Note = (direction: string, datagram: Uint8Array) => void;

/** A namespace whose datagrams are noted. */
class NotedNamespace extends ForwardingNamespace {
  readonly #note: Note;

  constructor(to: Namespace, note: Note) {
    super(to);
    this.#note = note;
  }

  override open(protocol: number): Transport {
    const transport = super.open(protocol);
    const note = this.#note;
    return Object.assign(new ForwardingTransport(transport), {
      send(datagram: Uint8Array<ArrayBuffer>) {
        note("request", datagram);
        transport.send(datagram);
      },
      receive: () => this.#noted("response", transport.receive()),
    });
  }

  override subscribe(
    protocol: number,
    groups: readonly number[],
  ): Subscription {
    const events = super.subscribe(protocol, groups);
    return {
      receive: () => this.#noted("event", events.receive()),
      readable: () => events.readable(),
      close: () => events.close(),
      [Symbol.dispose]: () => events.close(),
    };
  }

  #noted<T extends Uint8Array | undefined>(direction: string, datagram: T): T {
    if (datagram !== undefined) this.#note(direction, datagram);
    return datagram;
  }
}

const kernel = Deno.args[0]!;

function print(line: Record<string, unknown>): void {
  console.log(JSON.stringify({ kernel, ...line }));
}

/**
 * A `PathManager` of which all is printed under a name, except how it looked
 * up the family: that is the same each time.
 */
function openRecorded(name: string, netns: Netns): PathManager {
  let isOpen = false;
  const note: Note = (direction, datagram) => {
    if (isOpen) print({ name, direction, hex: datagram.toHex() });
  };
  const namespace = new NotedNamespace(openNamespace(netns), note);
  const pm = PathManager.open({ namespace });
  isOpen = true;
  return pm;
}

/** What an action has come to. */
function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    const { hint } = error as { hint?: string };
    return hint === undefined ? `${error}` : `${error}: ${hint}`;
  }
}

async function recordCommands(lab: Lab): Promise<void> {
  const { client, server } = lab;
  using near = PathManager.open({ netns: client.netns });
  using far = PathManager.open({ netns: server.netns });
  // While somebody listens, joins are accepted.
  using _listening = far.events();
  const ofKernel = lab.connect();
  near.setMode("userspace");
  far.setMode("userspace");
  const connection = lab.connect();
  for (const made of [ofKernel, connection]) made.transfer(1000);
  const scene: Scene = {
    token: connection.client.token,
    kernelToken: ofKernel.client.token,
    port: connection.client.remote.port,
  };
  using namespace = openNamespace(client.netns);
  const sysctls = Object.fromEntries(
    ["path_manager", "available_path_managers", "pm_type"]
      .map((name) => [
        name,
        namespace.readFile(`/proc/sys/net/mptcp/${name}`)?.trim(),
      ]),
  );
  print({ scene, sysctls });
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    near.flushAddrs();
    near.setLimits({ subflows: 2, addAddrAccepted: 0 });
    using pm = openRecorded(name, client.netns);
    console.error(name, outcome(() => scenario(pm, scene)));
    if (name !== "subflow-create") continue;
    await until(
      () => client.subflows().some(({ local }) => local.endsWith(":10200")),
      "the subflow",
    );
  }
}

/** All that a connection can go through, seen from both ends. */
async function recordEvents(lab: Lab): Promise<void> {
  const { client, server } = lab;
  using near = openRecorded("events/client", client.netns);
  using far = openRecorded("events/server", server.netns);
  const seen: PathManagerEvent[] = [];
  const listen = async (pm: PathManager) => {
    for await (const event of pm.events()) {
      seen.push(event);
      if (event.type === "closed") break;
    }
  };
  const ended = [near, far].map(listen);
  const happened = (type: PathManagerEvent["type"], count = 2) =>
    until(
      () => seen.filter((event) => event.type === type).length >= count,
      type,
    );
  near.setLimits({ subflows: 2, addAddrAccepted: 1 });
  far.setLimits({ subflows: 2, addAddrAccepted: 0 });
  server.sysctl("net.mptcp.allow_join_initial_addr_port", 0);
  far.addAddr({ address: server.address(2), id: 30, flags: ["signal"] });
  const connection = lab.connect();
  await connection.transferAsync(1000);
  await happened("announced", 1);
  await happened("sub-established");
  const [implicit] = near.dumpAddrs();
  near.setFlags({ id: implicit!.id, backup: true });
  await happened("sub-priority", 1);
  far.delAddr({ id: 30 });
  await happened("removed", 1);
  await happened("sub-closed");
  connection.close();
  await Promise.all(ended);
}

print({ linux: Deno.osRelease() });
try {
  const namespace = new NotedNamespace(
    openNamespace(),
    (direction, datagram) =>
      print({ name: "getfamily", direction, hex: datagram.toHex() }),
  );
  using _ = PathManager.open({ namespace });
} catch (error) {
  if (!(error instanceof NotFoundError)) throw error;
  console.error(error);
  Deno.exit();
}
for (const record of [recordCommands, recordEvents]) {
  using lab = Lab.open({ paths: 2 });
  await record(lab);
}
