/**
 * The events of one namespace, for tests. While one is open, connections with
 * the userspace path manager take joins and announcements: in all namespaces
 * of the machine, so it is closed as soon as it has served.
 *
 * @module
 */

import { decodeAttrs } from "../../codec/attrs.ts";
import { decodeGenlPayload } from "../../codec/genlmsghdr.ts";
import {
  EVENT_ATTR,
  type EventName,
  EVENTS,
  type Events,
  MPTCP_PM_EV_GRP_NAME,
  MPTCP_PM_NAME,
} from "../../codec/mptcp_pm.gen.ts";
import { decodeFamily, encodeGetFamily } from "../../codec/nlctrl.ts";
import { decodeNlMessages } from "../../codec/nlmsghdr.ts";
import { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import type { Netns } from "../../ffi/netns.ts";

/** An event, with its attributes by name. */
export type Event<Name extends EventName = EventName> = Name extends EventName
  ? { readonly type: Name } & Events[Name]
  : never;

const NAMES = Object.keys(EVENTS) as EventName[];

/** The number of the group of the events on this kernel. */
export function eventsGroup(): number {
  using socket = NetlinkSocket.open();
  socket.send(encodeGetFamily(MPTCP_PM_NAME, 1));
  const { mcastGroups } = decodeFamily(decodeNlMessages(socket.receive()!)[0]!);
  return mcastGroups.find(({ name }) => name === MPTCP_PM_EV_GRP_NAME)!.id;
}

/** Listens to the events of one namespace. */
export class EventTap implements Disposable {
  readonly #socket: NetlinkSocket;
  /** What came and was not asked for yet. */
  readonly #events: Event[] = [];

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Starts to listen. */
  static open(netns: Netns): EventTap {
    const group = eventsGroup();
    const socket = NetlinkSocket.open(netns);
    try {
      socket.join(group);
      return new EventTap(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Takes the first event of a type that fits, and forgets those before it.
   *
   * @throws {Error} None comes in time.
   */
  take<Name extends EventName>(
    type: Name,
    fits: (event: Event<Name>) => boolean = () => true,
    timeoutMs = 3000,
  ): Event<Name> {
    const end = performance.now() + timeoutMs;
    const seen: Event[] = [];
    for (;;) {
      this.#receive();
      for (let event; (event = this.#events.shift()) !== undefined;) {
        if (event.type === type && fits(event as Event<Name>)) {
          return event as Event<Name>;
        }
        seen.push(event);
      }
      if (!this.#socket.wait(end - performance.now())) {
        throw new Error(
          `Waited ${timeoutMs} ms in vain for the event ${type}; there came ` +
            Deno.inspect(seen),
        );
      }
    }
  }

  #receive(): void {
    for (let bytes; (bytes = this.#socket.receive()) !== undefined;) {
      for (const { payload } of decodeNlMessages(bytes)) {
        const { cmd, attrs } = decodeGenlPayload(payload);
        const type = NAMES.find((name) => EVENTS[name].cmd === cmd)!;
        const values = decodeAttrs(EVENT_ATTR, attrs);
        this.#events.push({ type, ...values } as Event);
      }
    }
  }

  /** Stops to listen. */
  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
