import { assertEquals, assertThrows } from "@std/assert";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";

const TOKEN = 0x1234;
const local = { address: "10.0.1.1", port: 4000 };
const remote = { address: "10.0.1.2", port: 5000 };
const address = "10.0.0.7";

type Call = (pm: PathManager) => unknown;
type ErrorClass = typeof TypeError | typeof RangeError;

/** Two endpoints and a connection. */
function withKernel(use: (pm: PathManager, kernel: FakeKernel) => void): void {
  const kernel = new FakeKernel();
  kernel.connect(TOKEN);
  using pm = PathManager.open({ namespace: kernel });
  pm.addAddr({ address: "10.0.0.1", dev: "eth1", flags: ["subflow"] });
  pm.addAddr({ address: "fd00::1", id: 7 });
  kernel.sent.length = 0;
  use(pm, kernel);
}

function assertRefused(
  call: Call,
  errorClass: ErrorClass,
  message: string,
): void {
  withKernel((pm, kernel) => {
    const error = assertThrows(() => call(pm), errorClass);
    assertEquals(error.message, message);
    assertEquals(kernel.sent, [], `sent in spite of: ${message}`);
  });
}

const MALFORMED: readonly (readonly [address: unknown, message: string])[] = [
  ["1..2.3", 'Invalid IPv4 address "1..2.3": "" is not a decimal number'],
  [
    "0x10.1.1.1",
    'Invalid IPv4 address "0x10.1.1.1": "0x10" is not a decimal number',
  ],
  ["10.1", 'Invalid IPv4 address "10.1": 4 numbers are needed, not 2'],
  [
    "10.0.0.1.2",
    'Invalid IPv4 address "10.0.0.1.2": 4 numbers are needed, not 5',
  ],
  [
    "010.0.0.1",
    'Invalid IPv4 address "010.0.0.1": "010" may be read as octal',
  ],
  ["10.0.0.256", 'Invalid IPv4 address "10.0.0.256": 256 is above 255'],
  [
    "10.0.0.1\n",
    'Invalid IPv4 address "10.0.0.1\n": "1\n" is not a decimal number',
  ],
  [
    " 10.0.0.1",
    'Invalid IPv4 address " 10.0.0.1": " 10" is not a decimal number',
  ],
  [
    "10.0.0.-1",
    'Invalid IPv4 address "10.0.0.-1": "-1" is not a decimal number',
  ],
  [
    "example.com",
    'Invalid address "example.com": an IPv4 or IPv6 address is needed',
  ],
  [
    "fe80::1%eth0",
    'Invalid IPv6 address "fe80::1%eth0": a zone is not part of it, name ' +
    "the device",
  ],
  [
    "fe80:::1",
    'Invalid IPv6 address "fe80:::1": "" is not 1 to 4 hex digits',
  ],
  ["1::2::3", 'Invalid IPv6 address "1::2::3": "::" occurs twice'],
  ["1:2:3", 'Invalid IPv6 address "1:2:3": 8 groups are needed, not 3'],
  [
    "[fe80::1]",
    'Invalid IPv6 address "[fe80::1]": brackets are no part of it',
  ],
  [
    "::12345",
    'Invalid IPv6 address "::12345": "12345" is not 1 to 4 hex digits',
  ],
  [
    "::ffff:10.0.1",
    'Invalid IPv4 address "10.0.1": 4 numbers are needed, not 3',
  ],
  [
    "10.0.0.1/24",
    'Invalid address "10.0.0.1/24": it is given without prefix length',
  ],
  [
    "fd00::1/64",
    'Invalid address "fd00::1/64": it is given without prefix length',
  ],
  [
    "167772161",
    'Invalid address "167772161": an IPv4 or IPv6 address is needed',
  ],
  ["", 'Invalid address "": an IPv4 or IPv6 address is needed'],
  [167772161, "Invalid address 167772161: a text is needed"],
  [null, "Invalid address null: a text is needed"],
];

/** Wherever an address is taken. */
const ADDRESSES: Readonly<Record<string, (address: string) => Call>> = {
  "addAddr()": (address) => (pm) => pm.addAddr({ address }),
  "delAddr()": (address) => (pm) => pm.delAddr({ address }),
  "delAddr() by id": (address) => (pm) => pm.delAddr({ id: 1, address }),
  "closeInitialSubflows()": (address) => (pm) =>
    pm.closeInitialSubflows({ address }),
  "setFlags()": (address) => (pm) => pm.setFlags({ address, backup: true }),
  "setFlags() by id": (address) => (pm) =>
    pm.setFlags({ id: 1, address, backup: true }),
  "setSubflowBackup() from": (address) => (pm) =>
    pm.setSubflowBackup({
      token: TOKEN,
      local: { ...local, address },
      remote,
      backup: true,
    }),
  "setSubflowBackup() to": (address) => (pm) =>
    pm.setSubflowBackup({
      token: TOKEN,
      local,
      remote: { ...remote, address },
      backup: true,
    }),
  "announce()": (address) => (pm) =>
    pm.announce({ token: TOKEN, address, id: 5 }),
  "subflowCreate() from": (address) => (pm) =>
    pm.subflowCreate({ token: TOKEN, local: { address }, remote }),
  "subflowCreate() to": (address) => (pm) =>
    pm.subflowCreate({ token: TOKEN, local, remote: { ...remote, address } }),
  "subflowDestroy() from": (address) => (pm) =>
    pm.subflowDestroy({ token: TOKEN, local: { ...local, address }, remote }),
  "subflowDestroy() to": (address) => (pm) =>
    pm.subflowDestroy({ token: TOKEN, local, remote: { ...remote, address } }),
};

for (const [name, take] of Object.entries(ADDRESSES)) {
  const [method, rest = ""] = name.split(/(?<=\))/);
  Deno.test(`\`${method}\`${rest} refuses what is no address`, () => {
    for (const [address, message] of MALFORMED) {
      assertRefused(take(address as string), TypeError, message);
    }
  });
}

/** Wherever an integer is taken: its name, its range, and one in it. */
const INTEGERS: Readonly<
  Record<
    string,
    readonly [
      name: string,
      min: number,
      max: number,
      take: (value: number) => Call,
    ]
  >
> = {
  "addAddr() with an id": [
    "id",
    1,
    255,
    (id) => (pm) => pm.addAddr({ address, id: id === 1 ? 2 : id }),
  ],
  "addAddr() with a port": [
    "port",
    0,
    65535,
    (port) => (pm) => pm.addAddr({ address, port, flags: ["signal"] }),
  ],
  "delAddr() with a port": [
    "port",
    0,
    65535,
    (port) => (pm) => pm.delAddr({ address: "10.0.0.1", port }),
  ],
  "closeInitialSubflows() with a port": [
    "port",
    0,
    65535,
    (port) => (pm) => pm.closeInitialSubflows({ address, port }),
  ],
  "getAddr()": ["id", 1, 255, (id) => (pm) => pm.getAddr({ id })],
  "getAddr() of a connection": [
    "id",
    0,
    255,
    (id) => (pm) => pm.getAddr({ id, token: TOKEN }),
  ],
  "getAddr() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) => pm.getAddr({ id: 1, token }),
  ],
  "dumpAddrs() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) => pm.dumpAddrs({ token }),
  ],
  "setLimits() of subflows": [
    "subflows",
    0,
    0xffffffff,
    (subflows) => (pm) => pm.setLimits({ subflows }),
  ],
  "setLimits() of accepted addresses": [
    "addAddrAccepted",
    0,
    0xffffffff,
    (addAddrAccepted) => (pm) => pm.setLimits({ addAddrAccepted }),
  ],
  "setFlags() with an id": [
    "id",
    1,
    255,
    (id) => (pm) => pm.setFlags({ id, backup: true }),
  ],
  "setFlags() with a port": [
    "port",
    0,
    65535,
    (port) => (pm) => pm.setFlags({ address: "10.0.0.1", port, backup: true }),
  ],
  "setSubflowBackup() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) =>
      pm.setSubflowBackup({ token, local, remote, backup: true }),
  ],
  "setSubflowBackup() with a local port": [
    "local port",
    1,
    65535,
    (port) => (pm) =>
      pm.setSubflowBackup({
        token: TOKEN,
        local: { ...local, port },
        remote,
        backup: true,
      }),
  ],
  "setSubflowBackup() with a remote port": [
    "remote port",
    1,
    65535,
    (port) => (pm) =>
      pm.setSubflowBackup({
        token: TOKEN,
        local,
        remote: { ...remote, port },
        backup: true,
      }),
  ],
  "announce() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) => pm.announce({ token, address, id: 5 }),
  ],
  "announce() with an id": [
    "id",
    1,
    255,
    (id) => (pm) => pm.announce({ token: TOKEN, address, id }),
  ],
  "announce() with a port": [
    "port",
    0,
    65535,
    (port) => (pm) => pm.announce({ token: TOKEN, address, id: 5, port }),
  ],
  "remove() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) => pm.remove({ token, id: 5 }),
  ],
  "remove() with an id": [
    "id",
    0,
    255,
    (id) => (pm) => pm.remove({ token: TOKEN, id }),
  ],
  "subflowCreate() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) => pm.subflowCreate({ token, local, remote }),
  ],
  "subflowCreate() with a local id": [
    "local id",
    0,
    255,
    (id) => (pm) =>
      pm.subflowCreate({ token: TOKEN, local: { ...local, id }, remote }),
  ],
  "subflowCreate() with a local port": [
    "local port",
    0,
    65535,
    (port) => (pm) =>
      pm.subflowCreate({ token: TOKEN, local: { address, port }, remote }),
  ],
  "subflowCreate() with a remote port": [
    "remote port",
    1,
    65535,
    (port) => (pm) =>
      pm.subflowCreate({ token: TOKEN, local, remote: { ...remote, port } }),
  ],
  "subflowDestroy() with a token": [
    "token",
    1,
    0xffffffff,
    (token) => (pm) => pm.subflowDestroy({ token, local, remote }),
  ],
  "subflowDestroy() with a local port": [
    "local port",
    1,
    65535,
    (port) => (pm) =>
      pm.subflowDestroy({ token: TOKEN, local: { ...local, port }, remote }),
  ],
  "subflowDestroy() with a remote port": [
    "remote port",
    1,
    65535,
    (port) => (pm) =>
      pm.subflowDestroy({ token: TOKEN, local, remote: { ...remote, port } }),
  ],
};

for (const [title, [name, min, max, take]] of Object.entries(INTEGERS)) {
  const [method, rest = ""] = title.split(/(?<=\))/);
  Deno.test(`\`${method}\`${rest} refuses what is out of range`, () => {
    const wrong = [min - 1, max + 1, 1.5, NaN, Infinity, -Infinity, "5", null];
    for (const value of wrong as number[]) {
      assertRefused(
        take(value),
        RangeError,
        `Invalid ${name} ${value}: it is an integer from ${min} to ${max}`,
      );
    }
  });

  Deno.test(`\`${method}\`${rest} takes both ends of the range`, () => {
    for (const value of [min, max]) {
      withKernel((pm, kernel) => {
        try {
          take(value)(pm);
        } catch (error) {
          // The kernel may know no such thing.
          assertEquals(error instanceof RangeError, false, `${error}`);
        }
        assertEquals(kernel.sent.length > 0, true, `${value} was not sent`);
      });
    }
  });
}

/** Wherever a device is taken. */
const DEVICES: Readonly<Record<string, (dev: string | number) => Call>> = {
  "addAddr()": (dev) => (pm) => pm.addAddr({ address, dev }),
  "announce()": (dev) => (pm) =>
    pm.announce({ token: TOKEN, address, id: 5, dev }),
  "subflowCreate()": (dev) => (pm) =>
    pm.subflowCreate({ token: TOKEN, local, remote, dev }),
};

for (const [method, take] of Object.entries(DEVICES)) {
  Deno.test(`\`${method}\` refuses a device that is not there`, () => {
    const names = ["eth9", "", "eth1 ", "eth1:1", "if0", "if09", "if9 "];
    for (const dev of [...names, "if2147483648", "if"]) {
      const message = `Unknown device "${dev}": "ip link" lists the devices`;
      assertRefused(take(dev), RangeError, message);
    }
    for (const dev of [0, -1, 1.5, NaN, 0x80000000]) {
      const message =
        `Invalid device index ${dev}: it is an integer from 1 to 2147483647`;
      assertRefused(take(dev), RangeError, message);
    }
  });
}

Deno.test("the index of a device needs no device, as a number or as `ip` shows it", () => {
  withKernel((pm) => {
    assertEquals(pm.addAddr({ address, dev: 40 }).ifIndex, 40);
    assertEquals(pm.delAddr({ dev: "if40" }).length, 1);
    assertEquals(pm.addAddr({ address, dev: "if40" }).ifIndex, 40);
    assertEquals(pm.delAddr({ dev: 40 }).length, 1);
    for (const dev of [40, "if40"]) {
      pm.announce({ token: TOKEN, address, id: 5, dev });
    }
  });
});

Deno.test("a device that is called if40 is the one that is meant", () => {
  withKernel((pm, kernel) => {
    kernel.devices.set("if40", 7);
    assertEquals(pm.addAddr({ address, dev: "if40" }).ifIndex, 7);
  });
});

/** What else is refused before anything is sent. */
const ROWS: readonly (readonly [Call, ErrorClass, string])[] = [
  [
    (pm) => pm.addAddr({ address, flags: ["subflow", "spare" as "backup"] }),
    TypeError,
    'Unknown flag "spare": known are signal, subflow, backup, fullmesh, ' +
    "implicit, laminar",
  ],
  [
    (pm) => pm.addAddr({ address, flags: ["0x123456789"] }),
    TypeError,
    'Unknown flag "0x123456789": known are signal, subflow, backup, ' +
    "fullmesh, implicit, laminar",
  ],
  [
    (pm) => pm.addAddr({ address, flags: ["Backup" as "backup"] }),
    TypeError,
    'Unknown flag "Backup": known are signal, subflow, backup, fullmesh, ' +
    "implicit, laminar",
  ],
  [
    (pm) => pm.addAddr({ address, flags: ["signal", "fullmesh"] }),
    TypeError,
    "Contradicting flags: fullmesh goes with subflow, not with signal",
  ],
  [
    (pm) => pm.addAddr({ address, flags: ["implicit"] }),
    TypeError,
    "Contradicting flags: only the kernel itself makes endpoints implicit",
  ],
  [
    (pm) => pm.addAddr({ address, flags: ["0x10"] }),
    TypeError,
    "Contradicting flags: only the kernel itself makes endpoints implicit",
  ],
  [
    (pm) => pm.addAddr({ address, port: 80 }),
    TypeError,
    "Contradicting flags: a port needs signal, and no subflow",
  ],
  [
    (pm) => pm.addAddr({ address, port: 80, flags: ["signal", "subflow"] }),
    TypeError,
    "Contradicting flags: a port needs signal, and no subflow",
  ],
  [
    (pm) => pm.delAddr({}),
    TypeError,
    "Unknown endpoint: an id, an address or a device is needed",
  ],
  [
    (pm) => pm.delAddr({ port: 80 }),
    TypeError,
    "Unknown endpoint: an id, an address or a device is needed",
  ],
  [
    (pm) => pm.delAddr({ id: 0, address }),
    RangeError,
    "Invalid id 0: it is an integer from 1 to 255",
  ],
  [
    (pm) => pm.closeInitialSubflows({} as { address: string }),
    TypeError,
    "Invalid address undefined: a text is needed",
  ],
  [
    (pm) => pm.delAddr({ id: -1 }),
    RangeError,
    "Invalid id -1: it is an integer from 1 to 255",
  ],
  [
    (pm) => pm.delAddr({ id: 1, address: "10.1" }),
    TypeError,
    'Invalid IPv4 address "10.1": 4 numbers are needed, not 2',
  ],
  [
    (pm) => pm.delAddr({ id: 1, dev: 0 }),
    RangeError,
    "Invalid device index 0: it is an integer from 1 to 2147483647",
  ],
  [
    (pm) => pm.setFlags({ id: 1 }),
    TypeError,
    "Nothing to change: backup or fullmesh is needed",
  ],
  [
    (pm) => pm.setFlags({ backup: true }),
    TypeError,
    "Unknown endpoint: an id, an address or a device is needed",
  ],
  [
    (pm) => pm.setFlags({ id: 0, backup: true }),
    RangeError,
    "Invalid id 0: it is an integer from 1 to 255",
  ],
  [
    (pm) => pm.setFlags({ id: 1, token: TOKEN, backup: true } as never),
    TypeError,
    "Ambiguous change: a token names a connection, and setSubflowBackup() " +
    "changes one of its subflows",
  ],
  [
    (pm) => pm.setSubflowBackup({ token: TOKEN, local, remote } as never),
    TypeError,
    "Nothing to change: backup is needed",
  ],
  [
    (pm) => pm.setLimits({}),
    TypeError,
    "Nothing to set: subflows or addAddrAccepted is needed",
  ],
  [
    (pm) => pm.addAddr({} as { address: string }),
    TypeError,
    "Invalid address undefined: a text is needed",
  ],
  [
    (pm) => pm.getAddr({} as { id: number }),
    RangeError,
    "Invalid id undefined: it is an integer from 1 to 255",
  ],
  [
    (pm) =>
      pm.announce(
        { token: TOKEN, address } as Parameters<typeof pm.announce>[
          0
        ],
      ),
    RangeError,
    "Invalid id undefined: it is an integer from 1 to 255",
  ],
  [
    (pm) => pm.remove({ id: 5 } as Parameters<typeof pm.remove>[0]),
    RangeError,
    "Invalid token undefined: it is an integer from 1 to 4294967295",
  ],
];

for (const [call, errorClass, message] of ROWS) {
  const source = call.toString().replace(/^\(pm\)\s*=>\s*/, "")
    .replaceAll(/\s+/g, " ");
  Deno.test(`\`${source}\` is refused: ${message.split(":")[0]}`, () => {
    assertRefused(call, errorClass, message);
  });
}

Deno.test("operations that need both ends of a subflow refuse one, and send nothing", () => {
  const halves: Call[] = [
    (pm) => pm.subflowCreate({ token: TOKEN, local } as never),
    (pm) => pm.subflowCreate({ token: TOKEN, remote } as never),
    (pm) => pm.subflowDestroy({ token: TOKEN, local } as never),
    (pm) => pm.subflowDestroy({ token: TOKEN, remote } as never),
    (pm) => pm.setSubflowBackup({ token: TOKEN, local, backup: true } as never),
    (pm) =>
      pm.setSubflowBackup({ token: TOKEN, remote, backup: true } as never),
  ];
  for (const call of halves) {
    withKernel((pm, kernel) => {
      assertThrows(() => call(pm), TypeError);
      assertEquals(kernel.sent, []);
    });
  }
});
