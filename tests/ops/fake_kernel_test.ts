import { assertEquals, assertThrows } from "@std/assert";
import type { SubflowAddress } from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { FakeNamespace } from "../../testing/fake_namespace.ts";
import { split } from "../helpers/netlink_bytes.ts";
import { golden, goldenNames } from "../helpers/golden.ts";
import { captured, script } from "../helpers/script.ts";

const CLIENT = 0xebee0860;
const SERVER = 0xb1362222;
const IN_KERNEL = 0x44ce98e1;

/** The captured conversations, in the order in which they took place. */
const NAMES = goldenNames()
  .filter((name) => name.endsWith("/request"))
  .map((name) => name.slice(0, -"/request".length))
  // The policies of `nlctrl` are not faked: nothing here asks for them.
  .filter((name) => !name.startsWith("ctrl/getpolicy"));

function inOneSession(kernel: FakeKernel, names: string[]): void {
  const transport = kernel.open(16);
  for (const name of names) {
    transport.send(golden(`${name}/request`).bytes);
    const answer: Uint8Array[] = [];
    for (let bytes; (bytes = transport.receive()) !== undefined;) {
      answer.push(bytes.slice());
    }
    assertEquals(answer.map(readable), datagrams(name).map(readable), name);
  }
}

/** What `recv` returned: datagrams of several messages are there in parts too. */
function datagrams(name: string): Uint8Array[] {
  const whole = goldenNames(`${name}/datagram`).map(golden);
  const parts = whole.reduce((sum, { messages }) => sum + messages.length, 0);
  return [
    ...whole.map(({ bytes }) => bytes),
    ...captured(name).answer.slice(parts) as Uint8Array[],
  ];
}

/** The messages without the port id, which is that of the socket. */
function readable(datagram: Uint8Array): string[] {
  return split(datagram).map((message) => message.fill(0, 12, 16).toHex());
}

const isOf = (...folders: string[]) => (name: string) =>
  folders.includes(name.split("/")[0]!);

Deno.test("`FakeKernel` answers as the captured kernel did, byte by byte", () => {
  const kernel = new FakeKernel();
  kernel.connect(CLIENT, {
    local: { address: "10.77.1.1", port: 58460 },
    remote: { address: "10.77.1.2", port: 5000 },
  });
  kernel.connect(SERVER, {
    local: { address: "10.77.1.2", port: 5000 },
    remote: { address: "10.77.1.1", port: 58460 },
    serverSide: true,
  });
  kernel.connect(IN_KERNEL, { pathManager: "kernel" });
  // No host of the capture has an address in 10.99.0.0/16.
  const isHere = ({ address }: SubflowAddress) => !address.startsWith("10.99.");
  kernel.network = {
    listen: (local) => isHere(local) ? 0 : 99,
    connect: (_, { local }) => isHere(local) ? undefined : { error: 99 },
  };
  const others = isOf("ack-variants", "eperm", "ip");
  const names = NAMES.filter((name) => !others(name));
  assertEquals(names.length > 60, true);
  inOneSession(kernel, names);
});

Deno.test("`FakeKernel` answers `ip mptcp` as the captured kernel did", () => {
  const kernel = new FakeKernel();
  kernel.options.capAck = false;
  inOneSession(kernel, NAMES.filter(isOf("ip")));
});

Deno.test("`FakeKernel` shapes refusals by the options of the socket", () => {
  const rows: [string, boolean, boolean][] = [
    ["no-ext-no-cap-error", false, false],
    ["no-ext-no-cap-ok", false, false],
    ["ext-no-cap-error", true, false],
    ["cap-no-ext-error", false, true],
  ];
  for (const [name, extAck, capAck] of rows) {
    const kernel = new FakeKernel();
    Object.assign(kernel.options, { extAck, capAck });
    inOneSession(kernel, [`ack-variants/${name}`]);
  }
});

Deno.test("`FakeKernel` refuses as the captured kernel did without privilege", () => {
  const kernel = new FakeKernel();
  kernel.privileged = false;
  Object.assign(kernel.limits, { addAddrAccepted: 4, subflows: 5 });
  inOneSession(kernel, NAMES.filter(isOf("eperm")));
});

Deno.test("`FakeKernel` says of what is no request that all is well", () => {
  const transport = new FakeKernel().open(16);
  const request = golden("flush-addrs/ok/request").bytes;
  request[6] = 4;
  transport.send(request);
  assertEquals(transport.receive()?.length, 36);
  request[6] = 0;
  transport.send(request);
  assertEquals(transport.receive(), undefined);
});

Deno.test("`FakeKernel` says ENOENT of families that it does not have", () => {
  const request = golden("get-limits/default/request").bytes;
  request[4] = 29;
  const transport = new FakeKernel().open(16);
  transport.send(request);
  const error = new DataView(transport.receive()!.slice().buffer);
  assertEquals(error.getInt32(16, true), -2);
});

Deno.test("`script()` takes no request that is not in it", () => {
  const limits = captured("get-limits/default");
  const transport = new FakeNamespace(script([limits])).open(16);
  const { bytes } = golden("flush-addrs/ok/request");
  assertThrows(() => transport.send(bytes), Error, "Unexpected request");
  const other = new FakeNamespace(script([limits])).open(16);
  const again = golden("get-limits/default/request").bytes;
  other.send(again);
  assertThrows(() => other.send(again), Error, "Unexpected request");
});
