import { assertEquals } from "@std/assert";
import type { Endpoint } from "../../ops/endpoint.ts";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import { conversation, script } from "../helpers/script.ts";

const CLIENT = 0xebee0860;
const SERVER = 0xb1362222;

const bare = { port: 0, flags: [], ifIndex: 0 } as const;
const table: readonly Endpoint[] = [
  {
    ...bare,
    address: "10.77.2.1",
    id: 5,
    flags: ["subflow"],
    ifIndex: 3,
    dev: "kic2",
  },
  { ...bare, address: "10.77.3.1", id: 6, flags: ["subflow", "backup"] },
  { ...bare, address: "fd77:2::1", id: 7, flags: ["signal"] },
  { ...bare, address: "10.77.3.1", port: 10100, id: 8, flags: ["signal"] },
  { ...bare, address: "::ffff:10.77.9.9", id: 9, flags: ["laminar"] },
  { ...bare, address: "10.77.9.8", id: 10 },
  {
    ...bare,
    address: "10.77.9.7",
    id: 11,
    flags: ["subflow", "fullmesh"],
    ifIndex: -1,
  },
];
const announced: readonly Endpoint[] = [
  { ...bare, address: "10.77.3.2", id: 30, flags: ["signal"] },
  {
    ...bare,
    address: "10.77.2.2",
    port: 7777,
    id: 31,
    flags: ["signal"],
    ifIndex: 3,
    dev: "kic2",
  },
  { ...bare, address: "fd77:3::2", id: 32, flags: ["signal"] },
];
const remote = { address: "10.77.1.2", port: 5000 };

/** What was captured, the call that repeats it, and its result. */
const rows: readonly (readonly [
  names: string,
  call: (pm: PathManager) => unknown,
  result?: unknown,
])[] = [
  ["get-limits/default", (pm) => pm.getLimits(), {
    subflows: 2,
    addAddrAccepted: 0,
  }],
  ["eperm/get-limits-allowed", (pm) => pm.getLimits(), {
    subflows: 5,
    addAddrAccepted: 4,
  }],
  [
    "set-limits/ok",
    (pm) => pm.setLimits({ subflows: 8, addAddrAccepted: 4 }),
  ],
  ["set-limits/one-attr", (pm) => pm.setLimits({ subflows: 5 })],
  [
    "add-addr/v4-subflow-dev get-addr/dump-7",
    (pm) =>
      pm.addAddr({
        address: "10.77.2.1",
        id: 5,
        flags: ["subflow"],
        dev: "kic2",
      }),
    table[0],
  ],
  [
    "add-addr/v4-subflow-dev get-addr/dump-7",
    (pm) =>
      pm.addAddr({ address: "10.77.2.1", id: 5, flags: ["subflow"], dev: 3 }),
    table[0],
  ],
  [
    "add-addr/v4-auto-id get-addr/dump-7",
    (pm) => pm.addAddr({ address: "10.77.3.1", flags: ["backup", "subflow"] }),
    table[1],
  ],
  [
    "add-addr/v6-signal get-addr/dump-7",
    (pm) => pm.addAddr({ address: "FD77:2:0::1", flags: ["signal"] }),
    table[2],
  ],
  [
    "add-addr/v4-port-listener get-addr/dump-7",
    (pm) =>
      pm.addAddr({ address: "10.77.3.1", port: 10100, flags: ["signal"] }),
    table[3],
  ],
  ["get-addr/do-id5", (pm) => pm.getAddr({ id: 5 }), table[0]],
  ["get-addr/dump-7", (pm) => pm.dumpAddrs(), table],
  ["get-addr/dump-empty", (pm) => pm.dumpAddrs(), []],
  [
    "dump/token-0 get-addr/token-do",
    (pm) => pm.getAddr({ id: 30, token: SERVER }),
    announced[0],
  ],
  [
    "dump/token-0 get-addr/token-dump",
    (pm) => pm.dumpAddrs({ token: SERVER }),
    announced,
  ],
  [
    "get-addr/dump-7 set-flags/by-address get-addr/do-id5",
    (pm) => pm.setFlags({ id: 5, backup: true, fullmesh: true }),
    table[0],
  ],
  [
    "set-flags/token-ok",
    (pm) =>
      pm.setSubflowBackup({
        token: CLIENT,
        local: { address: "10.77.2.1", port: 57659 },
        remote,
        backup: true,
      }),
  ],
  [
    "get-addr/dump-7 del-addr/by-id",
    (pm) => pm.delAddr({ id: 5 }),
    [table[0]],
  ],
  [
    "get-addr/dump-7 del-addr/by-id",
    (pm) => pm.delAddr({ address: "10.77.2.1" }),
    [table[0]],
  ],
  [
    "get-addr/dump-7 del-addr/by-id",
    (pm) => pm.delAddr({ dev: "kic2" }),
    [table[0]],
  ],
  [
    "del-addr/id0",
    (pm) => pm.closeInitialSubflows({ address: "10.77.1.1" }),
  ],
  ["flush-addrs/ok", (pm) => pm.flushAddrs()],
  [
    "announce/ok",
    (pm) => pm.announce({ token: SERVER, address: "10.77.3.2", id: 30 }),
  ],
  [
    "announce/ok-port-dev",
    (pm) =>
      pm.announce({
        token: SERVER,
        address: "10.77.2.2",
        id: 31,
        port: 7777,
        dev: "kic2",
      }),
  ],
  [
    "announce/ok-v6",
    (pm) => pm.announce({ token: SERVER, address: "fd77:3::2", id: 32 }),
  ],
  ["remove/ok", (pm) => pm.remove({ token: SERVER, id: 31 })],
  ["remove/ok-id0", (pm) => pm.remove({ token: CLIENT, id: 0 })],
  [
    "subflow-create/ok",
    (pm) =>
      pm.subflowCreate({
        token: CLIENT,
        local: { address: "10.77.2.1", id: 20 },
        remote,
      }),
  ],
  [
    "subflow-create/ok-but-refused-later",
    (pm) =>
      pm.subflowCreate({
        token: CLIENT,
        local: { address: "10.77.2.1", id: 20, port: 0 },
        remote: { ...remote, port: 1 },
        backup: false,
      }),
  ],
  [
    "subflow-destroy/ok",
    (pm) =>
      pm.subflowDestroy({
        token: CLIENT,
        local: { address: "10.77.2.1", port: 57659 },
        remote,
      }),
  ],
];

for (const [names, call, result] of rows) {
  const source = call.toString().replace(/^\(pm\)\s*=>\s*/, "")
    .replaceAll(/\s+/g, " ");
  Deno.test(`\`${source}\` sends what was captured as ${names}`, () => {
    const answer = script(conversation(...names.split(" ")));
    const namespace = new FakeNamespace(answer);
    for (const number of [1, 2, 3]) {
      namespace.devices.set(`kic${number}`, 1 + number);
    }
    using pm = PathManager.open({ namespace });
    assertEquals(call(pm), result);
    assertEquals(namespace.sent.length, 1 + names.split(" ").length);
    assertEquals(namespace.unread, []);
  });
}
