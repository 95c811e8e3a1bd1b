import { ArgumentTypeError } from "../codec/argument_error.ts";
import { NLA_HDRLEN } from "../codec/attrs.ts";
import { readU16, readU32 } from "../codec/bytes.ts";
import { GENL_HDRLEN } from "../codec/genlmsghdr.ts";
import {
  EVENTS,
  MPTCP_ATTR_TOKEN,
  MPTCP_PM_EV_GRP_NAME,
} from "../codec/mptcp_pm.gen.ts";
import { DeviceNames } from "../netlink/device_names.ts";
import { UnsupportedError } from "../netlink/errors.ts";
import { NetlinkStream } from "../netlink/stream.ts";
import type { Namespace } from "../netlink/transport.ts";
import { connectionToken } from "../codec/arguments.ts";

import type { Client } from "./client.ts";
import {
  decodeEvent,
  EVENT_TYPES,
  type EventOf,
  type PathManagerEvent,
} from "./event.ts";
import { KnownConnections } from "./known_connections.ts";

/** Which events to take; `Type` are the types of them. */
export interface EventsOptions<
  Type extends PathManagerEvent["type"] = PathManagerEvent["type"],
> {
  /** Ends the stream when it aborts. @default {none} */
  readonly signal?: AbortSignal | undefined;
  /**
   * The types to take, one at least, and no other: `overrun` too, to learn of
   * lost events. @default {all}
   */
  readonly types?: readonly Type[];
  /**
   * The connection whose events to take. Events that belong to none are left
   * out, except `overrun`. @default {all}
   */
  readonly token?: number;
  /**
   * Whether to begin with what is there: `created`, `established` and
   * `sub-established` of each connection as if they happened now, and after an
   * `overrun` what leads from the events so far to what is there. These events
   * have `synthetic: true`. Where the kernel tells the same, before or after,
   * its own event is left out. @default {false}
   */
  readonly resync?: boolean;
}

/**
 * What happens in the namespace, from the moment that the stream was opened. It
 * ends by `break`, by {@linkcode EventStream.close}, at the end of a `using`
 * block, when its signal aborts, or when the {@linkcode PathManager} that opened
 * it is closed.
 *
 * In a worker, close it before the worker is terminated: `worker.terminate()`
 * while `next()` waits leaves its thread and its sockets until the process ends.
 */
export interface EventStream<Event extends PathManagerEvent = PathManagerEvent>
  extends AsyncIterableIterator<Event, undefined>, Disposable {
  /** The next event; `done` once the stream has ended. Calls resolve in order. */
  next(): Promise<IteratorResult<Event, undefined>>;
  /** Ends the stream: what `break` does. */
  return(): Promise<IteratorResult<Event, undefined>>;
  /** Ends the stream. Events that were not taken are gone. */
  close(): void;
  /** The stream itself. */
  [Symbol.asyncIterator](): EventStream<Event>;
}

/** Joins the group; see {@linkcode PathManager.events}. */
export function openEvents<Type extends PathManagerEvent["type"]>(
  client: Client,
  { signal, types, token, resync = false }: EventsOptions<Type>,
  streams: Set<Disposable>,
): EventStream<EventOf<Type>> {
  const wanted = new Set<string>(types ?? EVENT_TYPES);
  for (const type of types ?? []) {
    if (EVENT_TYPES.includes(type)) continue;
    throw new ArgumentTypeError(`Unknown event "${type}": known are ${KNOWN}`);
  }
  if (wanted.size === 0) {
    throw new ArgumentTypeError(
      `No event types: name one of ${KNOWN}, or leave them out`,
    );
  }
  if (token !== undefined) connectionToken(token);
  const subscription = client.subscribe(MPTCP_PM_EV_GRP_NAME);
  if (subscription === undefined) {
    throw new UnsupportedError("get events", "5.12");
  }
  const isWanted = (event: PathManagerEvent): event is EventOf<Type> =>
    wanted.has(event.type) && isOf(token, event);
  const overrun: PathManagerEvent = { type: "overrun" };
  const known = resync ? new KnownConnections() : undefined;
  const { namespace } = client;
  return new NetlinkStream<EventOf<Type>>({
    subscription,
    clock: namespace.clock,
    // Who is to know what is known has to see all of it.
    isWanted: rawFilter(known ? new Set(EVENT_TYPES) : wanted, token),
    decode(message) {
      const event = decodeEvent(message);
      if (known && !known.take(event)) return undefined;
      return isWanted(event) ? withDevice(namespace, event) : undefined;
    },
    overrun: isWanted(overrun) ? overrun : undefined,
    resync: known && (async () => {
      const { Diag } = await import("../diag/mod.ts");
      return () => {
        using diag = Diag.open({ namespace });
        const present = diag.connections(token === undefined ? {} : { token });
        return known.resync(present).filter(isWanted)
          .map((event) => withDevice(namespace, event));
      };
    }),
    signal,
    streams,
  });
}

/** Whether an event is one of the connection, or says that some were lost. */
function isOf(token: number | undefined, event: PathManagerEvent): boolean {
  return token === undefined || event.type === "overrun" ||
    "token" in event && event.token === token;
}

const KNOWN = EVENT_TYPES.join(", ");

/**
 * Drops most of what is not wanted by its bytes, before it is decoded: the
 * number of the event, and the token, which the kernel sends first.
 */
function rawFilter(
  wanted: ReadonlySet<string>,
  token: number | undefined,
): (datagram: Uint8Array, payload: number) => boolean {
  const numbers = new Set(
    Object.values(EVENTS).filter(({ name }) => wanted.has(name))
      .map(({ cmd }) => cmd),
  );
  // An event that is not known, or lacks what it must have, is "unknown".
  const takesAll = wanted.has("unknown");
  return (datagram, payload) => {
    if (!takesAll && !numbers.has(datagram[payload]!)) return false;
    const first = payload + GENL_HDRLEN;
    return token === undefined ||
      readU16(datagram, first + 2) !== MPTCP_ATTR_TOKEN ||
      readU32(datagram, first + NLA_HDRLEN) === token;
  };
}

/** Names the device that a subflow is bound to. */
function withDevice<Event extends PathManagerEvent>(
  namespace: Namespace,
  event: Event,
): Event {
  if (!("ifIndex" in event) || event.ifIndex === 0) return event;
  const { dev } = new DeviceNames(namespace).named({ ifIndex: event.ifIndex });
  return dev === undefined ? event : { ...event, dev };
}
