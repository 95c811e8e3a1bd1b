/**
 * Datagrams that look like the kernel's, sent by another process, which needs
 * `CAP_NET_ADMIN`. They must not be taken for the kernel's, block the program, or
 * displace what the kernel sends.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeFamily,
  decodeNlMessages,
  encodeGetFamily,
} from "../../codec/mod.ts";
import {
  type Namespace,
  openNamespace,
  PathManager,
  ProtocolError,
  type Transport,
} from "../../mod.ts";
import { ForwardingNamespace } from "../../netlink/forwarding.ts";
import { NETLINK_GENERIC } from "../../netlink/genl.ts";
import type { Host } from "../../testing/host.ts";
import { Lab } from "../../testing/lab.ts";
import {
  ack,
  attr,
  type Bytes,
  done,
  join,
  message,
  NLM_F_MULTI,
  seqOf,
  text,
  u16,
  u32,
  u8,
  withSeq,
} from "../helpers/netlink_bytes.ts";
import { listen } from "../helpers/listen.ts";
import { assertInTime, bestOf } from "../helpers/in_time.ts";
import { liveTest } from "../helpers/live.ts";
import { listeners } from "../helpers/proc.ts";
import { Program } from "../helpers/program.ts";
import { Spoofer } from "../helpers/spoofer.ts";
import { Witness } from "../helpers/witness.ts";
import { within } from "../helpers/within.ts";

const EPERM = 1;

/** A namespace whose one socket for requests is open already. */
function oneSocket(namespace: Namespace, socket: Transport): Namespace {
  const open = () => socket;
  return Object.assign(new ForwardingNamespace(namespace), { open });
}

/** A path manager whose port id is known, and a spoofer in its namespace. */
function openTarget(host: Host) {
  using stack = new DisposableStack();
  const namespace = stack.use(openNamespace(host.netns));
  const socket = stack.use(namespace.open(NETLINK_GENERIC));
  const spoofer = stack.use(Spoofer.open(host.netns));
  socket.send(encodeGetFamily("mptcp_pm", 1));
  const [answer] = decodeNlMessages(socket.receive()!);
  const { id: family } = decodeFamily(answer!);
  const port = answer!.pid;
  const pm = stack.use(
    PathManager.open({ namespace: oneSocket(namespace, socket) }),
  );
  const owned = stack.move();
  return {
    socket,
    pm,
    port,
    family,
    spoofer,
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** Messages that could pass for an answer to a request. */
function spoofedAnswers(family: number, request: Bytes): Bytes[] {
  const seq = seqOf(request);
  const reply = (...attrs: Uint8Array[]) => {
    const header = Uint8Array.of(request[16]!, 1, 0, 0);
    return message(family, NLM_F_MULTI, seq, header, ...attrs);
  };
  const answers = [
    reply(attr(2, u32(7)), attr(3, u32(7))),
    reply(
      attr(1, attr(1, u16(2)), attr(2, u8(66)), attr(3, u8(6), u8(6), u16(6))),
    ),
    ack(request, 0, { message: "spoofed" }),
    ack(request, EPERM, { message: "spoofed" }),
    done(seq),
    done(seq, EPERM),
    text("not even netlink"),
  ];
  return [
    ...answers,
    join(answers.slice(0, -1)),
    ...[-1, 1, -seq].flatMap((away) =>
      answers.slice(0, -1).map((answer) => withSeq(answer, seq + away))
    ),
  ];
}

liveTest("spoofed answers before and after the kernel's are ignored", () => {
  using lab = Lab.open({ paths: 0 });
  const { client } = lab;
  using target = openTarget(client);
  const { socket, pm, port, family, spoofer } = target;
  const { send } = socket;
  const warnings: string[] = [];
  using _ = PathManager.open({
    netns: client.netns,
    onWarning: ({ message }) => warnings.push(message),
  });
  let spoofed = 0;
  socket.send = (request) => {
    const spoof = () => {
      for (const bytes of spoofedAnswers(family, request)) {
        spoofer.send(bytes, { port });
        spoofed++;
      }
    };
    spoof();
    send.call(socket, request);
    spoof();
  };
  pm.setLimits({ subflows: 3, addAddrAccepted: 2 });
  assertEquals(pm.getLimits(), { subflows: 3, addAddrAccepted: 2 });
  assertEquals(pm.addAddr({ address: "10.0.0.1", flags: ["subflow"] }).id, 1);
  assertEquals(pm.addAddr({ address: "10.0.0.2", id: 9 }).id, 9);
  assertEquals(pm.dumpAddrs().map(({ id }) => id), [1, 9]);
  assertEquals(pm.setFlags({ id: 1, backup: true }).flags, [
    "subflow",
    "backup",
  ]);
  assertEquals(pm.delAddr({ id: 9 }).length, 1);
  assertEquals(pm.getAddr({ id: 1 }).address, "10.0.0.1");
  assertEquals(client.endpoints().map(({ address }) => address), ["10.0.0.1"]);
  assertEquals(
    client.ip("mptcp", "limits"),
    "add_addr_accepted 2 subflows 3 \n",
  );
  pm.flushAddrs();
  assertEquals(client.endpoints(), []);
  assertEquals(warnings, []);
  assert(spoofed > 500);
});

liveTest("spoofed answers do not replace the kernel's", async () => {
  using lab = Lab.open({ paths: 0 });
  using target = openTarget(lab.client);
  const { socket, pm, port, family, spoofer } = target;
  const { send } = socket;
  socket.send = (request) => {
    for (const bytes of spoofedAnswers(family, request)) {
      spoofer.send(bytes, { port });
    }
  };
  await bestOf(() => {
    const start = performance.now();
    assertThrows(
      () => pm.setLimits({ subflows: 3 }),
      ProtocolError,
      "the kernel did not answer within 1000 ms",
    );
    const took = performance.now() - start;
    assert(took >= 1000, `${took} ms`);
    assertInTime(took, 3000, "the error");
  });
  socket.send = (request) => send.call(socket, request);
  assertEquals(pm.getLimits(), { subflows: 2, addAddrAccepted: 0 });
});

/** Sends until the receiver's queue is full, or the kernel does not let it. */
function fill(spoofer: Spoofer, to: { port?: number; group?: number }): void {
  // Where no large one fits any more, a small one may.
  for (const length of [4000, 20]) {
    const bytes = new Uint8Array(length);
    bytes.set(u32(length));
    for (let count = 0; count < 10_000; count++) {
      if (spoofer.send(bytes, to) !== 0) break;
    }
  }
}

liveTest("a queue full of spoofed answers loses none of the kernel's", () => {
  using lab = Lab.open({ paths: 0 });
  using target = openTarget(lab.client);
  const { pm, port, spoofer } = target;
  for (const subflows of [3, 4, 5]) {
    fill(spoofer, { port });
    pm.setLimits({ subflows });
    fill(spoofer, { port });
    assertEquals(pm.getLimits().subflows, subflows);
  }
});

/** Port id and group of the stream of events; there is one. */
function listenerOf(host: Host): { port: number; group: number } {
  const { port, groups } = listeners(host)[0]!;
  return { port, group: 1 + Math.log2(groups) };
}

/** An event as the kernel would send it. */
function spoofedEvent(family: number): Bytes {
  const header = Uint8Array.of(3, 1, 0, 0);
  return message(family, 0, 0, header, attr(1, u32(0xbad)));
}

liveTest(
  "spoofed events are ignored, the kernel's are delivered",
  async () => {
    using lab = Lab.open({ paths: 0 });
    using target = openTarget(lab.client);
    const { pm, family, spoofer } = target;
    using events = new Witness(pm.events());
    const { port, group } = listenerOf(lab.client);
    const spoof = () => {
      const event = spoofedEvent(family);
      spoofer.send(event, { port });
      assertEquals(spoofer.send(event, { group }), 0);
      spoofer.send(event, { port, group });
      spoofer.send(text("not even netlink"), { port, group });
    };
    spoof();
    const listener = listen(lab.client);
    spoof();
    const { local } = listener;
    assertEquals((await events.take("listener-created")).local, local);
    // It waits, and is woken for nothing.
    const next = events.take("listener-closed");
    spoof();
    listener.close();
    assertEquals((await next).local, local);
    assertEquals(events.seen.length, 2);
  },
);

liveTest(
  "a queue full of spoofed events loses none of the kernel's",
  async () => {
    using lab = Lab.open({ paths: 0 });
    using target = openTarget(lab.client);
    using events = new Witness(target.pm.events());
    const { port } = listenerOf(lab.client);
    for (const _ of [1, 2]) {
      fill(target.spoofer, { port });
      using listener = listen(lab.client);
      const { local } = await events.take("listener-created");
      assertEquals(local, listener.local);
    }
    assertEquals(events.seen.map(({ type }) => type), [
      "listener-created",
      "listener-closed",
      "listener-created",
    ]);
  },
);

liveTest(
  "spoofed events to the group may displace events, and `overrun` reports it",
  async () => {
    using lab = Lab.open({ paths: 0 });
    using target = openTarget(lab.client);
    const { pm, spoofer } = target;
    using events = new Witness(pm.events());
    const { group } = listenerOf(lab.client);
    fill(spoofer, { group });
    // There is no room for this one.
    listen(lab.client).close();
    await events.take("overrun");
    using listener = listen(lab.client);
    const { local } = await events.take("listener-created");
    assertEquals(local, listener.local);
    assertEquals(events.seen.length, 2);
  },
);

liveTest(
  "a flood from another process blocks neither commands nor events",
  async () => {
    using lab = Lab.open({ paths: 0 });
    using target = openTarget(lab.client);
    const { pm, port } = target;
    using stream = pm.events({ types: ["listener-created", "overrun"] });
    const { group } = listenerOf(lab.client);
    const { netns } = lab.client;
    await using flood = new Program("spoof", [netns, `${port}`, `${group}`]);
    await flood.text();
    for (let round = 0; round < 2000; round++) {
      const subflows = round % 8;
      pm.setLimits({ subflows });
      assertEquals(pm.getLimits().subflows, subflows);
    }
    using _listener = listen(lab.client);
    const { value } = await within(stream.next(), () => "an event");
    assert(value !== undefined);
    const end = stream.next();
    stream.close();
    await within(end, () => "the end of the stream");
  },
);

liveTest("an unprivileged process cannot send to our sockets", async () => {
  using lab = Lab.open({ paths: 0 });
  using target = openTarget(lab.client);
  const { netns } = lab.client;
  await using program = new Program("spoof", [netns, `${target.port}`]);
  assertEquals((await program.end()).text, `${EPERM}\n`);
  assertEquals(target.socket.wait(0), false);
});
