/**
 * Asks the running kernel what tests/helpers/kernel_scenarios.ts has, and prints
 * each byte: lines for tests/golden/older_kernels.jsonl.
 *
 *     deno run -A tools/qemu/record.ts NAME
 *
 * @module
 */

import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { Netns } from "../../ffi/netns.ts";
import {
  FamilyNotFoundError,
  PathManager,
  type PathManagerEvent,
} from "../../mod.ts";
import type { Subscription, Transport } from "../../ops/transport.ts";
import { Lab, until } from "../../testing/lab.ts";
import { SCENARIOS, type Scene } from "../../tests/helpers/kernel_scenarios.ts";

/** Takes down a datagram. */
type Note = (direction: string, datagram: Uint8Array) => void;

/** The kernel, and somebody who listens in. */
function tap(netns: Netns | undefined, note: Note): Transport {
  const socket = NetlinkSocket.open(netns);
  const heard =
    (from: { receive(): Uint8Array | undefined }, name: string) => () => {
      const datagram = from.receive();
      if (datagram !== undefined) note(name, datagram);
      return datagram;
    };
  return {
    send(datagram) {
      note("request", datagram);
      socket.send(datagram);
    },
    receive: heard(socket, "response"),
    wait: (timeoutMs) => socket.wait(timeoutMs),
    subscribe(group): Subscription {
      const events = socket.subscribe(group);
      return {
        receive: heard(events, "event"),
        readable: () => events.readable(),
        ifIndexToName: (index) => events.ifIndexToName(index),
        close: () => events.close(),
        [Symbol.dispose]: () => events.close(),
      };
    },
    readSysctl: (name) => socket.readSysctl(name),
    writeSysctl: (name, value) => socket.writeSysctl(name, value),
    ifNameToIndex: (name) => socket.ifNameToIndex(name),
    ifIndexToName: (index) => socket.ifIndexToName(index),
    close: () => socket.close(),
    [Symbol.dispose]: () => socket.close(),
  };
}

const kernel = Deno.args[0]!;

function print(line: Record<string, unknown>): void {
  console.log(JSON.stringify({ kernel, ...line }));
}

/**
 * A `PathManager` of which all is printed under a name, but for how it looked
 * up the family: that is the same each time.
 */
function openRecorded(name: string, netns: Netns): PathManager {
  let isOpen = false;
  const pm = PathManager.open({
    transport: tap(netns, (direction, datagram) => {
      if (isOpen) print({ name, direction, hex: datagram.toHex() });
    }),
  });
  isOpen = true;
  return pm;
}

/** What an action has come to, for whoever watches. */
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
  using socket = NetlinkSocket.open(client.netns);
  const sysctls = Object.fromEntries(
    ["path_manager", "available_path_managers", "pm_type"]
      .map((name) => [name, socket.readSysctl(name)]),
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
  using _ = PathManager.open({
    transport: tap(undefined, (direction, datagram) => {
      print({ name: "getfamily", direction, hex: datagram.toHex() });
    }),
  });
} catch (error) {
  if (!(error instanceof FamilyNotFoundError)) throw error;
  console.error(error);
  Deno.exit();
}
for (const record of [recordCommands, recordEvents]) {
  using lab = Lab.open({ paths: 2 });
  await record(lab);
}
