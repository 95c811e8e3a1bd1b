/**
 * The commands for endpoints and limits, with right and with wrong arguments.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type AddAddrOptions,
  type EndpointFlag,
  type EndpointSelector,
  PathManager,
  SyscallError,
} from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import type { Random } from "./random.ts";
import { type Actions, PATHS, type Side, type World } from "./world.ts";

/** More than any kernel allows. */
const TOO_MUCH = [1001, 0xffffffff];
const FLAGS: readonly EndpointFlag[] = [
  "signal",
  "subflow",
  "backup",
  "fullmesh",
];

/** Addresses that endpoints may have, on the host and elsewhere. */
function addresses(host: Host): string[] {
  return [
    ...PATHS.map((path) => host.address(path)),
    ...PATHS.map((path) => host.address6(path)),
    "192.0.2.7",
    "2001:db8::7",
  ];
}

/** One of the devices, by its name or by its index. */
function device({ host, model }: Side, random: Random): string | number {
  const name = host.dev(random.pick(PATHS));
  return random.oneIn(2) ? name : model.devices.get(name)!;
}

/** Adds an endpoint, most often a right one. */
function addAddr({ random, side }: World): void {
  const { host } = side;
  const path = random.pick(PATHS);
  const hasPort = random.oneIn(4);
  const options: AddAddrOptions = {
    address: hasPort
      ? random.pick([host.address(path), host.address6(path)])
      : random.pick(addresses(host)),
    flags: hasPort ? ["signal"] : random.some(FLAGS),
    ...hasPort && { port: 10100 + random.below(3) },
    ...random.oneIn(3) && { id: 1 + random.below(255) },
    ...random.oneIn(3) && { dev: device(side, random) },
  };
  side.compare((pm) => pm.addAddr(options));
}

/** A way to mean endpoints. */
function selector(side: Side, random: Random): EndpointSelector {
  const endpoints = side.model.endpoints();
  switch (random.below(4)) {
    case 0:
      return { id: 1 + random.below(255) };
    case 1:
      return { address: random.pick(addresses(side.host)) };
    case 2:
      return { dev: device(side, random) };
    default:
      return { id: endpoints.length === 0 ? 1 : random.pick(endpoints).id };
  }
}

function delAddr({ random, side }: World): void {
  const chosen = selector(side, random);
  side.compare((pm) => pm.delAddr(chosen));
}

function getAddr({ side }: World): void {
  for (let id = 1; id < 256; id += 1 + (id >> 4)) {
    side.compare((pm) => pm.getAddr({ id }));
  }
}

function setFlags({ random, side }: World): void {
  const change = {
    ...selector(side, random),
    ...random.pick([
      { backup: random.oneIn(2) },
      { fullmesh: random.oneIn(2) },
      { backup: random.oneIn(2), fullmesh: random.oneIn(2) },
    ]),
  };
  side.compare((pm) => pm.setFlags(change));
}

function flushAddrs({ side }: World): void {
  side.compare((pm) => pm.flushAddrs());
}

function setLimits({ random, side }: World): void {
  const names = ["subflows", "addAddrAccepted"] as const;
  const most = random.oneIn(3) ? TOO_MUCH : [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const limits = Object.fromEntries(
    random.some(names).map((name) => [name, random.pick(most)]),
  );
  side.compare((pm) => pm.setLimits(limits));
}

/** Nothing of this is sent. */
function argueWrongly({ random, side }: World): void {
  const { pm, host } = side;
  const address = host.address(1);
  const end = { address, port: 1 };
  const wrong: (() => unknown)[] = [
    () => pm.addAddr({ address: "10.1" }),
    () => pm.addAddr({ address: "10.0.0.1/24" }),
    () => pm.addAddr({ address, id: 0 }),
    () => pm.addAddr({ address, id: 256 }),
    () => pm.addAddr({ address, port: 65536, flags: ["signal"] }),
    () => pm.addAddr({ address, port: 1 }),
    () => pm.addAddr({ address, dev: "nonesuch" }),
    () => pm.addAddr({ address, flags: ["implicit"] }),
    () => pm.addAddr({ address, flags: ["wrong" as EndpointFlag] }),
    () => pm.delAddr({}),
    () => pm.delAddr({ id: 0 }),
    () => pm.delAddr({ address: "fe80::1%lo" }),
    () => pm.getAddr({ id: 1.5 }),
    () => pm.getAddr({ id: 1, token: 2 ** 32 }),
    () => pm.dumpAddrs({ token: 0 }),
    () => pm.setLimits({ subflows: -1 }),
    () => pm.setFlags({ id: 1 }),
    () => pm.announce({ token: 1, address, id: 0 }),
    () => pm.announce({ token: NaN, address, id: 1 }),
    () => pm.remove({ token: 1, id: 256 }),
    () => pm.subflowCreate({ token: 0, local: end, remote: end }),
    () =>
      pm.subflowDestroy({ token: 1, local: { ...end, port: 0 }, remote: end }),
    () => pm.events({ types: ["wrong" as "closed"] }),
    () => pm.events({ token: -1 }),
    () => pm.setMode("nonesuch"),
    () => PathManager.open({ netns: 0 }),
    () => PathManager.open({ netns: "" }),
  ];
  const error = assertThrows(random.pick(wrong));
  assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
}

/** Tokens of no connection. */
function mistakeToken({ random, side }: World): void {
  const token = 1 + random.below(2 ** 31);
  const end = { address: side.host.address(1), port: 1 };
  const { address } = end;
  const ends = { token, local: end, remote: end };
  const commands: ((pm: PathManager) => unknown)[] = [
    (pm) => pm.dumpAddrs({ token }),
    (pm) => pm.getAddr({ token, id: 1 }),
    (pm) => pm.announce({ token, address, id: 1 }),
    (pm) => pm.remove({ token, id: 1 }),
    (pm) => pm.subflowCreate(ends),
    (pm) => pm.subflowDestroy(ends),
    (pm) => pm.setSubflowBackup({ ...ends, backup: true }),
  ];
  side.compare(random.pick(commands));
}

function delInitial({ side: { pm, host } }: World): void {
  pm.closeInitialSubflows({ address: host.address(1) });
}

function compareWithIp({ side }: World): void {
  side.check();
  side.checkByIp();
}

/** What others have set is seen. */
function setByIp({ random, side }: World): void {
  const { limits } = side.model;
  limits.subflows = random.below(9);
  limits.addAddrAccepted = random.below(9);
  side.host.ip(
    ...["mptcp", "limits", "set", "subflows", `${limits.subflows}`],
    ...["add_addr_accepted", `${limits.addAddrAccepted}`],
  );
  side.check();
}

function open({ random, side }: World): void {
  const { netns } = side.host;
  const pm = PathManager.open({
    netns: random.pick([netns, `/run/netns/${netns}`]),
  });
  side.keep(pm);
  side.check(pm);
}

async function openByProcess({ side }: World): Promise<void> {
  const { netns } = side.host;
  const process = new Deno.Command("ip", {
    args: ["netns", "exec", netns, "sh", "-c", "echo; exec cat"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  try {
    // It has arrived there when it says something.
    const reader = process.stdout.getReader();
    await reader.read();
    using pm = PathManager.open({ netns: process.pid });
    side.check(pm);
    await reader.cancel();
  } finally {
    await process.stdin.close();
    await process.status;
  }
}

async function openInWorker({ side }: World): Promise<void> {
  const worker = new Worker(
    new URL("../programs/netns_worker.ts", import.meta.url),
    { type: "module" },
  );
  const answer = new Promise<{ address: string; cameBack: boolean }>(
    (resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    },
  );
  worker.postMessage(side.host.netns);
  try {
    const { address, cameBack } = await answer;
    assertEquals([address, cameBack], [side.pm.dumpAddrs()[0]?.address, true]);
  } finally {
    worker.terminate();
  }
}

function closeEarly({ random, side }: World): void {
  const pm = PathManager.open({ netns: side.host.netns });
  // Its streams have sockets of their own.
  const stream = random.oneIn(2) ? pm.events() : undefined;
  side.check(pm);
  pm.close();
  for (const use of [() => pm.getLimits(), () => pm.events()]) {
    assertThrows(use, Deno.errors.BadResource);
  }
  if (random.oneIn(2)) pm.close();
  stream?.close();
}

function openNothing({ random }: World): void {
  const [netns, code] = random.pick([
    ["no-such-name", "ENOENT"],
    ["/no/such/path", "ENOENT"],
    [0x7fffffff, "ENOENT"],
    ["/dev/null", "EINVAL"],
    ["/proc/self/ns/uts", "EINVAL"],
  ]);
  const error = assertThrows(
    () => PathManager.open({ netns: netns! }),
    SyscallError,
  );
  assertEquals(error.code, code);
}

function setMode({ side: { pm } }: World): void {
  const former = pm.getMode();
  {
    using _former = pm.setMode("userspace");
    assertEquals(pm.getMode(), "userspace");
  }
  assertEquals(pm.getMode(), former);
}

/** By name: what it does, and how often it is chosen. */
export const COMMANDS: Actions = {
  "add-addr": [addAddr, 12],
  "del-addr": [delAddr, 5],
  "del-addr: id 0": [delInitial, 1],
  "get-addr": [getAddr, 1],
  "set-flags": [setFlags, 6],
  "flush-addrs": [flushAddrs, 1],
  "set-limits, get-limits": [setLimits, 4],
  "wrong argument": [argueWrongly, 8],
  "wrong token": [mistakeToken, 4],
  "compare with ip": [compareWithIp, 2],
  "set by ip": [setByIp, 1],
  "open a path manager": [open, 3],
  "open by process": [openByProcess, 1],
  "open in a worker": [openInWorker, 1],
  "open and close": [closeEarly, 3],
  "open what is no namespace": [openNothing, 2],
  "set the mode": [setMode, 2],
};
