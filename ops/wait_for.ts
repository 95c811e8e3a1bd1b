import { ArgumentTypeError } from "../codec/argument_error.ts";
import { connectionToken, integer } from "../codec/arguments.ts";
import type { Connection, Diag } from "../diag/mod.ts";
import {
  isPermissionError,
  NotFoundError,
  SyscallError,
  TimeoutError,
} from "../netlink/errors.ts";
import type { Client } from "./client.ts";
import type { PathManagerEvent } from "./event.ts";
import { openEvents } from "./events.ts";
import { isClosedHere, isMade, isOpen } from "./resync.ts";

const ENOBUFS = 105;
/** The longest time that a timer takes, in milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;

type Type = PathManagerEvent["type"];

/** Until a connection has subflows. */
export interface SubflowsCondition {
  /**
   * How many established subflows it has at least, the initial one included: 1
   * to 255.
   */
  readonly subflows: number;
  /** Which connection, 1 to 0xffffffff. @default {any one} */
  readonly token?: number;
}

/** Until there are connections. */
export interface ConnectionsCondition {
  /** How many there are at least: 1 to 0xffffffff. */
  readonly connections: number;
}

/** Until something happens. */
export interface EventCondition<
  Wanted extends PathManagerEvent["type"] = PathManagerEvent["type"],
> {
  /** The types of event to wait for: the first of any of them is taken. */
  readonly event: readonly Wanted[];
  /** The connection that it has to be about. @default {any, or none} */
  readonly token?: number;
}

/** What ends a wait without what was waited for. */
export interface WaitOptions {
  /** Ends it when it aborts. @default {none} */
  readonly signal?: AbortSignal;
  /**
   * How long to wait, in milliseconds: 0 to 2147483647. With 0 it looks once.
   * @default {for ever}
   */
  readonly timeoutMs?: number;
}

/** What a look shows. */
interface Look<Found> {
  /** What was waited for; absent: it does not hold. */
  readonly found?: Found | undefined;
  /** How many there are of what is counted. */
  readonly count: number;
}

/** What can be looked at. */
interface State<Found> {
  /** What is waited for, as messages name it. */
  readonly goal: string;
  /** How many it takes. */
  readonly wanted: number;
  /** Events without which there cannot be more. */
  readonly types: readonly Type[];
  readonly token?: number;
  readonly look: (diag: Diag) => Look<Found>;
}

/** Waits for something; see {@linkcode PathManager.waitFor}. */
export async function waitFor(
  client: Client,
  condition: SubflowsCondition | ConnectionsCondition | EventCondition,
  { signal, timeoutMs }: WaitOptions,
  streams: Set<Disposable>,
): Promise<Connection | Connection[] | PathManagerEvent> {
  if (timeoutMs !== undefined) integer("timeoutMs", timeoutMs, 0, MAX_TIMEOUT);
  if ("token" in condition && condition.token !== undefined) {
    connectionToken(condition.token);
  }
  signal?.throwIfAborted();
  const timeout = new AbortController();
  const wait = new Wait(client, streams, timeout.signal, signal, timeoutMs);
  const timer = timeoutMs === undefined
    ? undefined
    : setTimeout(() => timeout.abort(), timeoutMs);
  try {
    if ("event" in condition) return await wait.event(condition);
    if ("subflows" in condition) {
      return await wait.state(subflowsOf(condition));
    }
    return await wait.state(connectionsOf(condition));
  } finally {
    clearTimeout(timer);
  }
}

/** One wait. */
class Wait {
  readonly #client: Client;
  readonly #streams: Set<Disposable>;
  readonly #timeout: AbortSignal;
  readonly #timeoutMs: number | undefined;
  /** Aborts for either reason. */
  readonly #end: AbortSignal;

  constructor(
    client: Client,
    streams: Set<Disposable>,
    timeout: AbortSignal,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ) {
    this.#client = client;
    this.#streams = streams;
    this.#timeout = timeout;
    this.#timeoutMs = timeoutMs;
    this.#end = AbortSignal.any(signal ? [timeout, signal] : [timeout]);
  }

  /** Takes an event that comes from now on. */
  async event({ event, token }: EventCondition): Promise<PathManagerEvent> {
    if (!Array.isArray(event)) {
      throw new ArgumentTypeError(`Invalid event ${event}: a list is needed`);
    }
    const goal = `the event ${event.join(" or ")}${ofConnection(token)}`;
    const types = event.length === 0 ? event : [...event, "overrun" as const];
    using events = this.#events(goal, types, token);
    const { value } = await events.next();
    if (value === undefined) throw this.#ended(goal);
    if (value.type === "overrun" && !event.includes("overrun")) {
      const hint = "events were lost, and it may have been among them";
      throw new SyscallError("recvfrom", ENOBUFS, `wait for ${goal}`, hint);
    }
    return value;
  }

  /** Looks, and looks again when there may be enough. */
  async state<Found>(
    { goal, wanted, types, token, look }: State<Found>,
  ): Promise<Found> {
    const { Diag } = await import("../diag/mod.ts");
    using diag = Diag.open({ namespace: this.#client.namespace });
    const now = look(diag);
    if (now.found !== undefined) return now.found;
    const all = [...types, "closed" as const, "overrun" as const];
    using events = this.#events(goal, all, token);
    for (;;) {
      // Whatever came before the stream was open is seen now.
      const { found, count } = look(diag);
      if (found !== undefined) return found;
      for (let missing = wanted - count; missing > 0;) {
        const { value: event } = await events.next();
        if (event === undefined) {
          if (!this.#timeout.aborted) throw this.#ended(goal);
          // No event tells of everything.
          const { found, count } = look(diag);
          if (found !== undefined) return found;
          throw this.#ended(goal, count);
        }
        if (event.type === "overrun") missing = 0;
        else if (event.type !== "closed") missing--;
        else if (token !== undefined) missing = 0;
      }
    }
  }

  #events(goal: string, types: readonly Type[], token: number | undefined) {
    const options = {
      types,
      ...token !== undefined && { token },
      signal: this.#end,
    };
    try {
      return openEvents(this.#client, options, this.#streams);
    } catch (error) {
      if (!(error instanceof SyscallError) || !isPermissionError(error)) {
        throw error;
      }
      const { syscall, errno } = error;
      const hint = "events need CAP_NET_ADMIN";
      throw new SyscallError(syscall, errno, `wait for ${goal}`, hint);
    }
  }

  /** Why the events have ended. */
  #ended(goal: string, count?: number): unknown {
    if (this.#timeout.aborted) {
      const seen = count === undefined ? "" : `, and saw ${count}`;
      return new TimeoutError(goal + seen, this.#timeoutMs!);
    }
    return this.#end.aborted
      ? this.#end.reason
      : new Deno.errors.BadResource("The path manager is closed");
  }
}

function subflowsOf(
  { subflows: wanted, token }: SubflowsCondition,
): State<Connection> {
  integer("subflows", wanted, 1, 255);
  return {
    goal: `${counted(wanted, "subflow")}${
      ofConnection(token) || " of one connection"
    }`,
    wanted,
    types: ["created", "sub-established"],
    ...token !== undefined && { token },
    look(diag) {
      let most = 0;
      for (const one of connectionsIn(diag, token)) {
        if (one.fallback || !isMade(one)) continue;
        const count = one.subflows.filter(isOpen).length;
        if (count >= wanted) return { found: one, count };
        most = Math.max(most, count);
      }
      return { count: most };
    },
  };
}

function* connectionsIn(
  diag: Diag,
  token: number | undefined,
): Iterable<Connection> {
  if (token === undefined) return yield* diag.connections();
  const one = diag.connection(token);
  if (one !== undefined && !isClosedHere(one)) return yield one;
  throw new NotFoundError(
    "connection",
    `There is no connection of token ${hex(token)}`,
  );
}

function connectionsOf(
  { connections: wanted }: ConnectionsCondition,
): State<Connection[]> {
  integer("connections", wanted, 1, 0xffff_ffff);
  return {
    goal: counted(wanted, "connection"),
    wanted,
    types: ["created"],
    look(diag) {
      const found = [...diag.connections()]
        .filter((one) => isMade(one) && !one.fallback);
      const count = found.length;
      return { count, found: count < wanted ? undefined : found };
    },
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function ofConnection(token: number | undefined): string {
  return token === undefined ? "" : ` of connection ${hex(token)}`;
}

function hex(token: number): string {
  return `0x${token.toString(16).padStart(8, "0")}`;
}
