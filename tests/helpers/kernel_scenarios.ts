/**
 * What is asked of kernels of other releases. tools/qemu/record.ts asks it of
 * the real ones and writes down the bytes; tests/ops/older_kernels_test.ts has
 * them answer again.
 *
 * @module
 */

import type { Endpoint, PathManager } from "../../mod.ts";

/** The names and numbers that the requests of a recording contain. */
export interface Scene {
  /** A connection of the client, which is managed from user space. */
  readonly token: number;
  /** Another one, which the kernel manages. */
  readonly kernelToken: number;
  /** The port that the server listens on for the first one. */
  readonly port: number;
}

/** One thing to ask; what it returns or throws is what it has come to. */
export type Scenario = (pm: PathManager, scene: Scene) => unknown;

const NO_TOKEN = 1;

const here = "10.77.2.1";
const peer = "10.77.2.2";
const elsewhere = "10.99.0.1";

/** Adds one endpoint after the other, and returns them. */
function add(
  pm: PathManager,
  ...endpoints: Parameters<PathManager["addAddr"]>[0][]
): Endpoint[] {
  return endpoints.map((endpoint) => pm.addAddr(endpoint));
}

/** Each begins with no endpoint and with the limits that a kernel starts with. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "get-limits": (pm) => pm.getLimits(),
  "set-limits": (pm) => {
    pm.setLimits({ subflows: 4, addAddrAccepted: 3 });
    return pm.getLimits();
  },
  "set-limits/9": (pm) => pm.setLimits({ subflows: 9 }),
  "set-limits/too-many": (pm) => pm.setLimits({ addAddrAccepted: 1001 }),

  "add-addr": (pm) =>
    add(
      pm,
      { address: here, flags: ["subflow", "backup"], dev: "client2" },
      { address: "fd77:2::1", id: 200, flags: ["signal"] },
    ),
  "add-addr/port": (pm) =>
    add(pm, { address: here, port: 10100, flags: ["signal"] }),
  "add-addr/fullmesh": (pm) =>
    add(pm, { address: here, flags: ["subflow", "fullmesh"] }),
  "add-addr/laminar": (pm) =>
    add(pm, { address: here, flags: ["subflow", "laminar"] }),
  "add-addr/duplicate": (pm) => add(pm, { address: here }, { address: here }),
  "add-addr/id-taken": (pm) =>
    add(pm, { address: here, id: 7 }, { address: elsewhere, id: 7 }),
  "add-addr/ninth": (pm) =>
    add(
      pm,
      ...Array.from(
        { length: 9 },
        (_, index) => ({ address: `fd77::${index}` }),
      ),
    ).length,
  "add-addr/port-elsewhere": (pm) =>
    add(pm, { address: elsewhere, port: 10100, flags: ["signal"] }),

  "del-addr": (pm) => {
    add(pm, { address: here, id: 7 }, { address: elsewhere });
    pm.delAddr({ id: 7 });
    return pm.dumpAddrs();
  },
  "get-addr": (pm) => {
    add(pm, { address: here, id: 7, flags: ["subflow"] });
    return pm.getAddr({ id: 7 });
  },
  "get-addr/unknown": (pm) => pm.getAddr({ id: 7 }),
  "flush-addrs": (pm) => {
    add(pm, { address: here });
    pm.flushAddrs();
    return pm.dumpAddrs();
  },
  "set-flags": (pm) => {
    add(pm, { address: here, flags: ["subflow"] });
    return pm.setFlags({ address: here, backup: true });
  },
  "set-flags/fullmesh": (pm) => {
    add(pm, { address: here, id: 7, flags: ["subflow", "backup"] });
    return pm.setFlags({ id: 7, fullmesh: true });
  },
  "set-flags/fullmesh-signal": (pm) => {
    add(pm, { address: here, flags: ["signal"] });
    return pm.setFlags({ address: here, fullmesh: true });
  },

  "announce": (pm, { token }) =>
    pm.announce({ token, address: here, id: 5, dev: "client2" }),
  "announce/other-id": (pm, { token }) =>
    pm.announce({ token, address: here, id: 6 }),
  "announce/no-token": (pm) =>
    pm.announce({ token: NO_TOKEN, address: here, id: 5 }),
  "announce/kernel": (pm, { kernelToken }) =>
    pm.announce({ token: kernelToken, address: here, id: 5 }),
  "dump-addrs/token": (pm, { token }) => {
    add(pm, { address: elsewhere, id: 5 });
    return pm.dumpAddrs({ token });
  },
  "dump-addrs/no-token": (pm) => pm.dumpAddrs({ token: NO_TOKEN }),
  "dump-addrs/kernel": (pm, { kernelToken }) =>
    pm.dumpAddrs({ token: kernelToken }),
  "get-addr/token": (pm, { token }) => {
    add(pm, { address: elsewhere, id: 5 });
    return pm.getAddr({ token, id: 5 });
  },
  "get-addr/no-token": (pm) => pm.getAddr({ token: NO_TOKEN, id: 5 }),
  "remove/other-id": (pm, { token }) => pm.remove({ token, id: 9 }),
  "remove/no-token": (pm) => pm.remove({ token: NO_TOKEN, id: 5 }),
  "remove/kernel": (pm, { kernelToken }) =>
    pm.remove({ token: kernelToken, id: 5 }),
  "remove": (pm, { token }) => pm.remove({ token, id: 5 }),
  "subflow-create/elsewhere": (pm, { token, port }) =>
    pm.subflowCreate({
      token,
      local: { address: elsewhere, id: 8 },
      remote: { address: peer, port },
    }),
  "subflow-create/families": (pm, { token, port }) =>
    pm.subflowCreate({
      token,
      local: { address: here, id: 8 },
      remote: { address: "fd77:2::2", port },
    }),
  "subflow-create/no-token": (pm, { port }) =>
    pm.subflowCreate({
      token: NO_TOKEN,
      local: { address: here, id: 8 },
      remote: { address: peer, port },
    }),
  "subflow-create/kernel": (pm, { kernelToken, port }) =>
    pm.subflowCreate({
      token: kernelToken,
      local: { address: here, id: 8 },
      remote: { address: peer, port },
    }),
  "subflow-create": (pm, { token, port }) =>
    pm.subflowCreate({
      token,
      local: { address: here, id: 8, port: 10200 },
      remote: { address: peer, port },
    }),
  "set-flags/subflow": (pm, { token, port }) =>
    pm.setSubflowBackup({
      token,
      local: { address: here, port: 10200 },
      remote: { address: peer, port },
      backup: true,
    }),
  "set-flags/no-subflow": (pm, { token, port }) =>
    pm.setSubflowBackup({
      token,
      local: { address: here, port: 1 },
      remote: { address: peer, port },
      backup: true,
    }),
  "subflow-destroy/none": (pm, { token, port }) =>
    pm.subflowDestroy({
      token,
      local: { address: here, port: 1 },
      remote: { address: peer, port },
    }),
  "subflow-destroy": (pm, { token, port }) =>
    pm.subflowDestroy({
      token,
      local: { address: here, port: 10200 },
      remote: { address: peer, port },
    }),
};
