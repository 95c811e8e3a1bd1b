/**
 * Whole conversations: what the kernel answers to each request is wrong, and
 * what it tells without being asked.
 *
 * @module
 */

import { DecodeError } from "../../codec/mod.ts";
import {
  NetlinkError,
  NotFoundError,
  PathManager,
  type PathManagerEvent,
  ProtocolError,
  SyscallError,
  UnsupportedError,
} from "../../mod.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { type Delivery, FakeNamespace } from "../../testing/fake_namespace.ts";
import {
  type Bytes,
  flagsOf,
  NLM_F_DUMP,
  seqOf,
  text,
  u16,
  viewOf,
} from "../helpers/netlink_bytes.ts";
import { fill, type Operation, OPERATIONS } from "../helpers/operations.ts";
import { goldenOf } from "../helpers/golden.ts";
import { pick, type Random } from "../helpers/random.ts";
import { mutateDatagram } from "./mutate.ts";
import { demand, demandBounded, kindOf, type Targets } from "./target.ts";

/** Each operation by the name of its method and its place in the list. */
const operations = new Map<string, Operation>(
  Object.entries(OPERATIONS).flatMap(([method, forms]) =>
    forms.map((form, index) => [`${method} ${index}`, form])
  ),
);

/** The answers to one request after the other, numbered from 1. */
type Script = readonly (readonly Bytes[])[];

/** What the fake kernel answers to an operation, the look-up included. */
function record(operation: Operation): Script {
  const kernel = new FakeKernel();
  fill(kernel);
  const script: Bytes[][] = [];
  kernel.distort = (answer) => {
    script.push(answer.filter((delivery) => delivery instanceof Uint8Array));
    return answer;
  };
  using pm = PathManager.open({ namespace: kernel });
  try {
    operation(pm)();
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
  return script;
}

const { devices } = new FakeKernel();
const scripts = new Map(
  [...operations].map(([name, operation]) => [name, record(operation)]),
);
const [lookUp, limits] = scripts.get("getLimits 0")!;

const captured = [...goldenOf("response"), ...goldenOf("response-datagram")]
  .map(({ bytes }) => bytes);
const events = goldenOf("event").map(({ bytes }) => bytes);

/** Answers like those, with one or two changed. */
function mutateScript(random: Random, script: Script): Script {
  const answers = script.map((answer) => answer.slice());
  for (let times = 1 + random(2); times > 0; times--) {
    // The look-up is the same for all.
    const request = random(8) ? 1 + random(answers.length - 1 || 1) : 0;
    const answer = answers[request] ?? answers[0]!;
    const at = random(answer.length + 1);
    const other = renumbered(pick(random, captured), request + 1);
    switch (random(8)) {
      case 0:
        answer.splice(at, 1);
        break;
      case 1:
        answer.splice(at, 0, other);
        break;
      case 2:
        answer.splice(at, 0, mutateDatagram(random, other, captured));
        break;
      case 3:
        answer.reverse();
        break;
      default:
        if (answer.length === 0) break;
        answer[at % answer.length] = mutateDatagram(
          random,
          pick(random, script[request] ?? script[0]!),
          captured,
        );
    }
  }
  return answers;
}

/** A name and answers as bytes: counts and lengths in front of each. */
function pack(name: string, script: Script): Bytes {
  const parts: Uint8Array[] = [text(name)];
  for (const answer of script) {
    parts.push(u16(answer.length));
    for (const datagram of answer) parts.push(u16(datagram.length), datagram);
  }
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function unpack(input: Bytes): [name: string, script: Script] {
  const view = viewOf(input);
  const end = input.indexOf(0);
  const script: Bytes[][] = [];
  let at = end + 1;
  const next = () => view.getUint16((at += 2) - 2, true);
  while (at < input.length) {
    script.push(Array.from({ length: next() }, () => {
      const length = next();
      return input.slice(at, at += length);
    }));
  }
  return [new TextDecoder().decode(input.subarray(0, end)), script];
}

/** Gives messages of one number another one; what is broken stays. */
export function renumbered(datagram: Bytes, to: number, from?: number): Bytes {
  if (from === to) return datagram;
  const bytes = datagram.slice();
  const view = viewOf(bytes);
  for (let at = 0; at + 16 <= bytes.length;) {
    const isMeant = from === undefined || view.getUint32(at + 8, true) === from;
    if (isMeant) view.setUint32(at + 8, to, true);
    at += Math.max(16, view.getUint32(at, true) + 3 & ~3);
  }
  return bytes;
}

/** The answer to each request; the last again where there are more. */
const answering = (script: Script) => (request: Bytes): Delivery[] => {
  const seq = seqOf(request);
  const last = Math.min(seq, script.length);
  return (script[last - 1] ?? []).map((answer) =>
    renumbered(answer, seq, last)
  );
};

/** What an operation may throw, whatever the kernel says. */
const isTyped = (error: unknown): error is Error =>
  [
    DecodeError,
    ProtocolError,
    NetlinkError,
    NotFoundError,
    UnsupportedError,
  ].some((one) => error instanceof one) ||
  // The kernel has the address several times.
  error instanceof TypeError && error.message.startsWith("Ambiguous endpoint");

function demandTyped(error: unknown): asserts error is Error {
  if (!isTyped(error)) throw error;
  if (!(error instanceof NetlinkError)) return;
  demand(error.errno > 0, () => `errno ${error.errno}`);
}

/** Without the words of the kernel, which may be any. */
const outcomeKind = (error: Error) =>
  error instanceof NetlinkError || error instanceof NotFoundError
    ? error.name
    : kindOf(error);

const isInteger = (value: unknown, max: number) =>
  Number.isInteger(value) && value as number >= 0 && value as number <= max;

/** Demands that a result is what its type says. */
function demandShape(result: unknown): void {
  if (result === undefined || typeof result === "string") return;
  if (Array.isArray(result)) return result.forEach(demandShape);
  demand(typeof result === "object" && result !== null, `${result}`);
  if ("subflows" in result && "addAddrAccepted" in result) {
    demand(isInteger(result.subflows, 0xffffffff), "no number of subflows");
    demand(isInteger(result.addAddrAccepted, 0xffffffff), "no number");
    return;
  }
  const { address, id, port, flags, ifIndex } = result as Record<
    string,
    unknown
  >;
  demand(typeof address === "string" && /[.:]/.test(address), "no address");
  demand(isInteger(id, 255) && isInteger(port, 65535), "no id or port");
  demand(Array.isArray(flags) && Number.isInteger(ifIndex), "no flags");
}

/** Demands that nothing but a dump is asked for again. */
function demandOnce(requests: readonly Bytes[]): void {
  const commands = requests.filter((request) =>
    !(flagsOf(request) & NLM_F_DUMP)
  )
    .map((request) => request.subarray(16).toHex());
  demand(new Set(commands).size === commands.length, "a command is repeated");
}

function runConversation(input: Bytes): string {
  const [name, script] = unpack(input);
  const operation = operations.get(name)!;
  let answer = answering(script);
  const namespace = new FakeNamespace((request) => answer(request));
  for (const [name, index] of devices) namespace.devices.set(name, index);
  const subscribe = namespace.subscribe.bind(namespace);
  namespace.subscribe = (protocol, groups) => {
    const isNumber = (group: number) => isInteger(group, 0xffffffff);
    demand(groups.every(isNumber), () => `groups ${groups}`);
    return subscribe(protocol, groups);
  };
  const warnings: string[] = [];
  let outcome = `done: ${name.split(" ")[0]}`;
  try {
    using pm = PathManager.open({
      namespace,
      onWarning: ({ message }) => warnings.push(message),
    });
    try {
      const result = operation(pm)();
      demandShape(result);
      demandBounded(input, result);
    } catch (error) {
      demandTyped(error);
      demandBounded(input, error.message);
      outcome = outcomeKind(error);
    }
    // It is as good as new once nothing is left of this.
    while (namespace.unread.length > 0) namespace.transports[0]!.receive();
    if (!name.startsWith("delAddr")) demandOnce(namespace.sent);
    namespace.sent.length = 0;
    answer = (request) =>
      limits!.map((reply) => renumbered(reply, seqOf(request)));
    const { subflows, addAddrAccepted } = pm.getLimits();
    demand(subflows === 2 && addAddrAccepted === 0, "other limits");
  } catch (error) {
    demandTyped(error);
    demandBounded(input, error.message);
    outcome = `open: ${outcomeKind(error)}`;
  }
  demand(namespace.transports.every(({ closed }) => closed), "an open socket");
  if (!name.startsWith("delAddr")) demandOnce(namespace.sent);
  demand(
    warnings.every((warning) => typeof warning === "string"),
    "no warning",
  );
  demandBounded(input, warnings);
  return outcome;
}

/** The look-up, of which the number of the group is right. */
const listening = new FakeNamespace((request) =>
  lookUp!.map((reply) => renumbered(reply, seqOf(request)))
);
const listener = PathManager.open({ namespace: listening });
listening.devices.set("kic2", 2);

/** Comes last; no datagram becomes this. */
const END = new SyscallError("recvfrom", 105, "hear what is next");

async function runStream(input: Bytes): Promise<string> {
  const [, [datagrams = []]] = unpack(input);
  listening.subscriptions.length = 0;
  using stream = listener.events();
  for (const datagram of datagrams) listening.emit(datagram);
  listening.emit(END);
  const seen: PathManagerEvent[] = [];
  let outcome;
  try {
    for await (const event of stream) {
      if (event.type === "overrun") break;
      seen.push(event);
    }
    outcome = `${seen.length} events`;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    outcome = kindOf(error);
  }
  demand(listening.subscriptions[0]!.closed, "the subscription is open");
  demand((await stream.next()).done === true, "it goes on");
  demandBounded(input, seen);
  return outcome;
}

/** What talks to a kernel. */
export const CONVERSATION_TARGETS: Targets = {
  conversation: {
    make(random) {
      const [name, script] = pick(random, [...scripts]);
      return pack(name, mutateScript(random, script));
    },
    run: runConversation,
  },
  "stream of events": {
    make: (random) =>
      pack("", [
        Array.from({ length: 1 + random(4) }, () => {
          const event = pick(random, events);
          return random(3) ? event : mutateDatagram(random, event, events);
        }),
      ]),
    run: runStream,
  },
};
