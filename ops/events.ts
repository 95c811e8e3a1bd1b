import { EVENTS, MPTCP_PM_EV_GRP_NAME } from "../codec/mptcp_pm.gen.ts";
import type { NlMessage } from "../codec/nlmsghdr.ts";
import { UnsupportedError } from "../netlink/errors.ts";
import { EventStream } from "../netlink/stream.ts";
import type { Namespace } from "../netlink/transport.ts";
import { connectionToken } from "./arguments.ts";
import type { Client } from "./client.ts";
import {
  decodeEvent,
  EVENT_TYPES,
  type EventOf,
  type PathManagerEvent,
} from "./event.ts";

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
   * out, but for `overrun`. @default {all}
   */
  readonly token?: number;
}

/** Joins the group; see {@linkcode PathManager.events}. */
export function openEvents<Type extends PathManagerEvent["type"]>(
  client: Client,
  { signal, types, token }: EventsOptions<Type>,
  onClose: () => void,
): EventStream<EventOf<Type>> {
  const wanted = new Set<string>(types ?? EVENT_TYPES);
  for (const type of types ?? []) {
    if (EVENT_TYPES.includes(type)) continue;
    throw new TypeError(`Unknown event "${type}": known are ${KNOWN}`);
  }
  if (wanted.size === 0) {
    throw new TypeError(
      `No event types: name one of ${KNOWN}, or leave them out`,
    );
  }
  if (token !== undefined) connectionToken(token);
  const subscription = client.subscribe(MPTCP_PM_EV_GRP_NAME);
  if (subscription === undefined) {
    throw new UnsupportedError("get events", "5.12");
  }
  // What is not wanted is dropped before it is decoded.
  const unwanted = new Set(
    Object.values(EVENTS).filter(({ name }) => !wanted.has(name))
      .map(({ cmd }) => cmd),
  );
  // An event that lacks what it must have becomes "unknown".
  if (wanted.has("unknown")) unwanted.clear();
  const decode = (message: NlMessage): PathManagerEvent | undefined => {
    if (unwanted.has(message.payload[0]!)) return undefined;
    const event = decodeEvent(message);
    const isWanted = wanted.has(event.type) &&
      (token === undefined || "token" in event && event.token === token);
    return isWanted ? withDevice(client.namespace, event) : undefined;
  };
  return new EventStream<PathManagerEvent>({
    subscription,
    decode,
    overrun: wanted.has("overrun") ? { type: "overrun" } : undefined,
    signal,
    onClose,
  }) as EventStream<EventOf<Type>>;
}

const KNOWN = EVENT_TYPES.join(", ");

/** Names the device that a subflow is bound to. */
function withDevice(
  namespace: Namespace,
  event: PathManagerEvent,
): PathManagerEvent {
  if (!("ifIndex" in event) || event.ifIndex === 0) return event;
  const dev = namespace.ifIndexToName(event.ifIndex);
  return dev === undefined ? event : { ...event, dev };
}
