/**
 * The commands for endpoints and limits, with right and with wrong arguments.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type AddAddrOptions,
  type Endpoint,
  type EndpointFlag,
  NetlinkError,
  NotFoundError,
  PathManager,
  SyscallError,
} from "../../mod.ts";
import type { Host } from "../../testing/host.ts";
import type { Random } from "./random.ts";
import { type Actions, PATHS, type Side, World } from "./world.ts";

/** More than any kernel allows. */
const TOO_MUCH = [1001, 0xffffffff];
const FLAGS: readonly EndpointFlag[] = [
  "signal",
  "subflow",
  "backup",
  "fullmesh",
];

/** Asserts that the kernel refuses something with an error. */
function assertCode(action: () => unknown, code: string): void {
  assertEquals(assertThrows(action, NetlinkError).code, code);
}

/** Addresses that endpoints may have, on the host and elsewhere. */
function addresses(host: Host): string[] {
  return [
    ...PATHS.map((path) => host.address(path)),
    ...PATHS.map((path) => host.address6(path)),
    "192.0.2.7",
    "2001:db8::7",
  ];
}

/** An endpoint as it may be asked for, most often right. */
function wish(host: Host, random: Random): AddAddrOptions {
  const path = random.pick(PATHS);
  const hasPort = random.oneIn(4);
  return {
    address: hasPort
      ? random.pick([host.address(path), host.address6(path)])
      : random.pick(addresses(host)),
    flags: hasPort ? ["signal"] : random.some(FLAGS),
    ...hasPort && { port: 10100 + random.below(3) },
    ...random.oneIn(3) && { id: 1 + random.below(255) },
    ...random.oneIn(3) &&
      { dev: random.oneIn(2) ? host.dev(path) : deviceIndex(host, path) },
  };
}

/** As the lab numbers them. */
function deviceIndex(host: Host, path: number): number {
  return (host.dev(path).startsWith("client") ? 10 : 20) + path;
}

/** What the kernel says to a wish; absent: it fulfils it. */
function refusal(
  { endpoints }: Side,
  { address, port = 0, id }: AddAddrOptions,
): string | undefined {
  const exists = [...endpoints.values()].some((endpoint) =>
    endpoint.address === address && endpoint.port === port
  );
  // In the order in which the kernel looks.
  if (exists && port !== 0) return "EADDRINUSE";
  if (endpoints.size >= World.room) return "ERANGE";
  if (id !== undefined && endpoints.has(id)) return "EBUSY";
  return exists ? "EEXIST" : undefined;
}

function addAddr({ random, side }: World): void {
  const { host, endpoints, pm } = side;
  const options = wish(host, random);
  const { address, port = 0, id, flags = [], dev } = options;
  if (flags.includes("signal") && flags.includes("fullmesh")) {
    assertThrows(() => pm.addAddr(options), TypeError, "Contradicting flags");
    return;
  }
  const code = refusal(side, options);
  if (code !== undefined) return assertCode(() => pm.addAddr(options), code);
  const added = pm.addAddr(options);
  const path = PATHS.find((path) =>
    dev === host.dev(path) || dev === deviceIndex(host, path)
  );
  assertEquals(added, {
    address,
    port,
    id: id ?? added.id,
    flags: [...flags],
    ifIndex: path === undefined ? 0 : deviceIndex(host, path),
    ...path !== undefined && { dev: host.dev(path) },
  });
  assert(!endpoints.has(added.id), `id ${added.id} is in use`);
  endpoints.set(added.id, added);
}

/** A way to mean endpoints, and those that are meant. */
function choice({ host, endpoints }: Side, random: Random) {
  const all = [...endpoints.values()]
    .toSorted((one, other) => one.id - other.id);
  const that = (fits: (endpoint: Endpoint) => boolean) => all.filter(fits);
  switch (random.below(4)) {
    case 0: {
      const id = 1 + random.below(255);
      return { selector: { id }, meant: that((one) => one.id === id) };
    }
    case 1: {
      const address = random.pick(addresses(host));
      const meant = that((one) => one.address === address);
      return { selector: { address }, meant };
    }
    case 2: {
      const dev = host.dev(random.pick(PATHS));
      return { selector: { dev }, meant: that((one) => one.dev === dev) };
    }
    default: {
      const id = all.length === 0 ? 1 : random.pick(all).id;
      return { selector: { id }, meant: that((one) => one.id === id) };
    }
  }
}

function delAddr({ random, side }: World): void {
  const { endpoints, pm } = side;
  const { selector, meant } = choice(side, random);
  if (meant.length === 0) {
    assertThrows(() => pm.delAddr(selector), NotFoundError);
    return;
  }
  assertEquals(pm.delAddr(selector), meant);
  for (const { id } of meant) endpoints.delete(id);
}

function getAddr({ side: { endpoints, pm } }: World): void {
  for (let id = 1; id < 256; id += 1 + (id >> 4)) {
    const endpoint = endpoints.get(id);
    if (endpoint === undefined) {
      assertThrows(() => pm.getAddr({ id }), NotFoundError);
    } else assertEquals(pm.getAddr({ id }), endpoint);
  }
}

function setFlags({ random, side }: World): void {
  const { endpoints, pm } = side;
  const { selector, meant: [endpoint, ...others] } = choice(side, random);
  const change = {
    ...selector,
    ...random.pick([
      { backup: random.oneIn(2) },
      { fullmesh: random.oneIn(2) },
      { backup: random.oneIn(2), fullmesh: random.oneIn(2) },
    ]),
  };
  const set = () => pm.setFlags(change);
  if (endpoint === undefined) {
    assertThrows(set, NotFoundError);
  } else if (others.length > 0) {
    assertThrows(set, TypeError, "Ambiguous endpoint");
  } else if (change.fullmesh && endpoint.flags.includes("signal")) {
    assertCode(set, "EINVAL");
  } else {
    const has = (flag: EndpointFlag) =>
      (flag === "backup" || flag === "fullmesh" ? change[flag] : undefined) ??
        endpoint.flags.includes(flag);
    const changed = { ...endpoint, flags: FLAGS.filter(has) };
    assertEquals(set(), changed);
    endpoints.set(changed.id, changed);
  }
}

function flushAddrs({ side }: World): void {
  side.pm.flushAddrs();
  side.endpoints.clear();
  assertEquals(side.pm.dumpAddrs(), []);
}

function setLimits({ random, side }: World): void {
  const { pm } = side;
  const names = ["subflows", "addAddrAccepted"] as const;
  const chosen = names.filter(() => random.oneIn(2));
  const most = random.oneIn(3) ? TOO_MUCH : [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const limits = Object.fromEntries(
    chosen.map((name) => [name, random.pick(most)]),
  );
  if (chosen.length === 0) {
    assertThrows(() => pm.setLimits(limits), TypeError, "Nothing to set");
  } else if (most === TOO_MUCH) {
    assertCode(() => pm.setLimits(limits), "EINVAL");
  } else {
    pm.setLimits(limits);
    side.limits = { ...side.limits, ...limits };
  }
  assertEquals(pm.getLimits(), side.limits);
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
function mistakeToken({ random, side: { pm, host } }: World): void {
  const token = 1 + random.below(2 ** 31);
  const end = { address: host.address(1), port: 1 };
  const { address } = end;
  const commands: (() => unknown)[] = [
    () => pm.dumpAddrs({ token }),
    () => pm.getAddr({ token, id: 1 }),
    () => pm.announce({ token, address, id: 1 }),
    () => pm.remove({ token, id: 1 }),
    () => pm.subflowCreate({ token, local: end, remote: end }),
    () => pm.subflowDestroy({ token, local: end, remote: end }),
    () => pm.setSubflowBackup({ token, local: end, remote: end, backup: true }),
  ];
  assertCode(random.pick(commands), "EINVAL");
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
  side.limits = { subflows: random.below(9), addAddrAccepted: random.below(9) };
  side.host.ip(
    ...["mptcp", "limits", "set", "subflows", `${side.limits.subflows}`],
    ...["add_addr_accepted", `${side.limits.addAddrAccepted}`],
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
