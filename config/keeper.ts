/**
 * One look at a time at what there is, and what is done about it.
 *
 * @module
 */

import { MptcpError } from "../codec/mptcp_error.ts";
import {
  MPTCP_PM_ADDR_FLAG_FULLMESH as FULLMESH,
  MPTCP_PM_ADDR_FLAG_LAMINAR as LAMINAR,
  MPTCP_PM_ADDR_FLAG_SUBFLOW as SUBFLOW,
} from "../codec/mptcp_pm.gen.ts";
import type { InterfaceAddress } from "../diag/addresses.ts";
import { Diag } from "../diag/diag.ts";
import { agentClaim, type Managers } from "../diag/managers.ts";
import { isPermissionError, SyscallError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";
import type { Endpoint } from "../ops/endpoint.ts";
import { flagBits } from "../ops/flags.ts";
import { PathManager } from "../ops/path_manager.ts";
import { apply, ApplyError } from "./apply.ts";
import type { Config, Governs } from "./config.ts";
import { keyOf } from "./match.ts";
import { PeerRoutes } from "./peer_routes.ts";
import {
  FITS_NOTHING,
  performed,
  type Plan,
  plan,
  PlanError,
  type PlanOptions,
} from "./plan.ts";
import { presentWanted } from "./present_wanted.ts";
import { addressKey, purposeOf, Reasons } from "./reasons.ts";
import { Settler } from "./settle.ts";
import { type PresentState, readState } from "./state.ts";
import type { Step } from "./step.ts";
import type {
  UndoneEvent,
  WaitingEvent,
  WarningEvent,
  WatchEvent,
  WatchStatus,
} from "./watch_events.ts";

/** The flags of endpoints that subflows are opened from. */
const CONNECTS = SUBFLOW | FULLMESH | LAMINAR;
/** When to try again what was refused: the first time, and at the most. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** How often to look for other programs that manage the same. */
const MANAGERS_MS = 60_000;

/** How an agent keeps what a file says. */
export interface KeeperOptions {
  readonly prune: boolean;
  readonly takeover: boolean;
  readonly settleMs: number;
}

/** What was refused, and until when it waits. */
interface Refused {
  /** Why. */
  readonly why: string;
  /** The steps that were planned. */
  readonly steps: string;
  /** What of it was refused. */
  readonly what: string;
  readonly times: number;
  readonly retryAtMs: number;
}

/** Keeps a namespace what was wanted last. */
export class Keeper implements Disposable {
  readonly #namespace: Namespace;
  readonly #options: KeeperOptions;
  readonly #pm: PathManager;
  readonly #diag: Diag;
  readonly #settler: Settler;
  readonly #routes: PeerRoutes;
  readonly #reasons = new Reasons();
  /** What was said since the file was taken. */
  readonly #said = new Set<string>();
  /** The endpoints that are the file's, those too that are not there. */
  readonly #own = new Set<string>();
  /** The addresses that have been this host's. */
  readonly #had = new Set<string>();
  /** The endpoints that reached no peer when the kernel tried. */
  readonly #unreached = new Set<string>();
  #config: Config = { governs: [] };
  #claimed: { readonly name: string; readonly claim?: Disposable } | undefined;
  #refused: Refused | undefined;
  #managers: { readonly managers?: Managers; readonly readMs: number } = {
    readMs: -Infinity,
  };
  #counts = { endpoints: 0, waiting: 0 };
  /** What another program can change without telling; absent: not known. */
  #silent: string | undefined;
  #nextMs = Infinity;
  #awaitsRoute = false;
  #awaitsTick = false;

  /** Opens what it needs of a namespace. */
  constructor(namespace: Namespace, options: KeeperOptions) {
    this.#namespace = namespace;
    this.#options = options;
    this.#settler = new Settler(options.settleMs);
    this.#pm = PathManager.open({ namespace });
    this.#diag = Diag.open({ namespace });
    this.#routes = new PeerRoutes(this.#diag);
  }

  /**
   * Takes what is wanted from now on.
   *
   * @throws {PlanError} Another agent keeps the same endpoints.
   */
  take(config: Config): void {
    if (this.#options.prune && config.endpoints === undefined) {
      throw new PlanError([
        "prune removes endpoints that are not in the file, and the file has " +
        "no endpoints: an empty list, written out, means none",
      ]);
    }
    this.#claim(config.governs);
    this.#config = config;
    this.#reasons.renew();
    this.forgive();
  }

  /** Tries again what was refused, or undone by another program. */
  forgive(): void {
    this.#refused = undefined;
    this.#reasons.forgive();
    this.#said.clear();
  }

  /** There is one agent for the same endpoints of a namespace. */
  #claim(governs: Governs = "all"): void {
    const name = agentClaim(governs);
    if (this.#claimed?.name === name) return;
    const claim = this.#namespace.claim(name);
    if (claim === undefined && !this.#options.takeover) {
      throw new PlanError([
        "another mptcp watch keeps these endpoints in this network namespace",
      ]);
    }
    this.#claimed?.claim?.[Symbol.dispose]();
    this.#claimed = { name, ...claim && { claim } };
  }

  /** How it is with what is wanted. */
  get status(): WatchStatus {
    const { why } = this.#refused ?? {};
    return { ...this.#counts, ...why !== undefined && { refused: why } };
  }

  /** When to look again, even if nothing happens. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Whether a route can make a difference. */
  get awaitsRoute(): boolean {
    return this.#awaitsRoute;
  }

  /** Whether there is a reason to look, of which nobody tells. */
  hasReason(): boolean {
    return this.#awaitsTick || this.#awaitsRoute ||
      this.#readSilent() !== this.#silent;
  }

  /**
   * Looks at what there is, and does what is to be done.
   *
   * @throws {PlanError} What is wanted cannot be done here, at the first look.
   * @throws {ApplyError} The privilege is missing, or sysctls are mounted
   * read-only, at the first look.
   */
  look(now: number): WatchEvent[] {
    const events: WatchEvent[] = [];
    // What changes during the look is a reason for another one.
    this.#silent = this.#readSilent();
    try {
      this.#look(now, events);
    } catch (error) {
      if (!(error instanceof MptcpError)) throw error;
      const isFatal = !(error instanceof ApplyError) || isLasting(error.cause);
      if (this.#reasons.isFirst && isFatal) throw error;
      this.#refuse(error, now, events);
    }
    // What was done may be taken back before the next tick.
    if (events.some(({ type }) => type === "done")) this.#silent = undefined;
    return events;
  }

  #look(now: number, events: WatchEvent[]): void {
    this.#nextMs = this.#refused?.retryAtMs ?? Infinity;
    const state = this.#readState(now);
    const routes = this.#routes;
    routes.begin(state.peers);
    const { standings, turned, nextMs = Infinity } = this.#settler.look(
      this.#reasons.isFirst ? withPresentFirst(state) : state,
      now,
      (one) => !this.#connects(one) || routes.reach(one) !== false,
    );
    this.#nextMs = Math.min(this.#nextMs, nextMs);
    for (const { address, isThere, isLinkLost } of standings) {
      if (isThere || isLinkLost) this.#had.add(addressKey(address));
    }
    this.#reasons.look(turned, standings);
    for (const one of this.#config.endpoints ?? []) {
      if ("address" in one) this.#own.add(keyOf({ port: 0, ...one }));
    }
    const { config, waiting, isHeld, ...wanted } = presentWanted(
      this.#config,
      state,
      standings,
      (address) => this.#had.has(addressKey({ address })),
    );
    const made = plan(config, wanted.state, this.#planOptions);
    const retried = this.#retries(wanted.state, made);
    this.#awaitsRoute = routes.isLacking;
    this.#awaitsTick = isHeld;
    const { isNew, isFirst } = this.#reasons;
    if (isNew) {
      for (const one of waiting) this.#say({ type: "waiting", ...one }, events);
    }
    for (const why of made.warnings) {
      // Links come and go: that is said where something is done about it.
      if (!isNew && why.endsWith(FITS_NOTHING)) continue;
      this.#say({ type: "warning", why }, events);
    }
    const steps = [...this.#worthDoing(made.steps, now, events), ...retried];
    if (!this.#do({ ...made, steps }, now, events)) return;
    const others = new Set(made.others.map(keyOf));
    const kept = steps.reduce(performed, made.before).endpoints.map(keyOf)
      .filter((key) => !others.has(key));
    for (const key of kept) this.#own.add(key);
    this.#counts = { endpoints: kept.length, waiting: waiting.length };
    if (isFirst) events.push({ type: "ready", ...this.#counts });
    // With what is left alone: whoever undoes it has done so this time, too.
    this.#reasons.settle(made.after.endpoints.map(keyOf));
  }

  /** Reads what there is; other programs that manage it do not come often. */
  #readState(now: number): PresentState {
    const isKnown = now < this.#managers.readMs + MANAGERS_MS;
    const { managers } = this.#managers;
    const namespace = this.#namespace;
    const state = readState({
      ...{ namespace, ...isKnown && managers && { managers } },
    });
    if (!isKnown) this.#managers = { managers: state.managers, readMs: now };
    return state;
  }

  get #planOptions(): PlanOptions {
    const { prune } = this.#options;
    return { prune: prune || ((one) => this.#own.has(keyOf(one))) };
  }

  /** Whether subflows are to start from an address. */
  #connects(address: InterfaceAddress): boolean {
    return (this.#config.endpoints ?? []).some((one) =>
      (flagBits(one.flags) & CONNECTS) !== 0 &&
      ("match" in one || addressKey(one) === addressKey(address))
    );
  }

  /** Does the steps, unless they were refused not long ago. */
  #do(made: Plan, now: number, events: WatchEvent[]): boolean {
    const { steps } = made;
    const refused = this.#refused;
    if (refused?.steps === purposesOf(steps) && now < refused.retryAtMs) {
      return false;
    }
    const tell = (done: readonly Step[]) => {
      for (const step of done) {
        const { why } = step.reason === RETRY
          ? { why: RETRY }
          : this.#reasons.done(step, now);
        events.push({ type: "done", step, why });
      }
    };
    const { takeover } = this.#options;
    try {
      const { differences } = steps.length === 0
        ? { differences: [] }
        : apply(made, { namespace: this.#namespace, takeover });
      tell(steps);
      for (const why of differences) {
        this.#say({ type: "warning", why }, events);
      }
    } catch (error) {
      if (error instanceof ApplyError) tell(error.done);
      throw error;
    }
    this.#refused = undefined;
    return true;
  }

  /** Waits for a change, or some time; longer each time. */
  #refuse(error: MptcpError, now: number, events: WatchEvent[]): void {
    const { failed, remaining = [] } = error as Partial<ApplyError>;
    const what = failed === undefined ? error.message : purposeOf(failed);
    const steps = failed === undefined
      ? what
      : purposesOf([failed, ...remaining]);
    const before = this.#refused?.what === what ? this.#refused : undefined;
    const isSoon = before !== undefined && now < before.retryAtMs;
    const times = isSoon ? before.times : (before?.times ?? 0) + 1;
    const retryMs = Math.min(RETRY_MS * 2 ** (times - 1), MAX_RETRY_MS);
    const retryAtMs = isSoon ? before.retryAtMs : now + retryMs;
    this.#refused = { why: error.message, steps, what, times, retryAtMs };
    this.#nextMs = Math.min(this.#nextMs, retryAtMs);
    if (isSoon) return;
    events.push({ type: "refused", why: error.message, times, retryMs });
  }

  /** Leaves out what another program undoes each time. */
  #worthDoing(
    steps: readonly Step[],
    now: number,
    events: WatchEvent[],
  ): Step[] {
    const hopeless = steps.filter((step) =>
      this.#reasons.isHopeless(step, now)
    );
    for (const step of hopeless) this.#say({ type: "undone", step }, events);
    const keys = new Set(
      hopeless.flatMap((step) =>
        step.op === "add-addr" ? keyOf(step.endpoint) : []
      ),
    );
    return steps.filter((step) =>
      !hopeless.includes(step) &&
      !(step.op === "del-addr" && step.isReplaced &&
        keys.has(keyOf(step.endpoint)))
    );
  }

  /**
   * What makes the kernel try again on live connections: endpoints without
   * subflows that reached no peer before, and do now, are deleted and added.
   */
  #retries(state: PresentState, { steps, after }: Plan): Step[] {
    const retried: Step[] = [];
    const isAdded = new Set(
      steps.flatMap((step) =>
        step.op === "add-addr" ? keyOf(step.endpoint) : []
      ),
    );
    for (const { flags, ifIndex, ...one } of after.endpoints) {
      const key = keyOf(one);
      const address = state.addresses.find((address) =>
        addressKey(address) === addressKey(one) &&
        (ifIndex === 0 || ifIndex === address.ifIndex)
      );
      if (address === undefined || (flagBits(flags) & CONNECTS) === 0) continue;
      const present = state.endpoints.find((other) => keyOf(other) === key);
      const isUsed = state.carried.some(({ id }) => id === present?.id);
      const isNew = isAdded.has(key);
      if (isUsed && !isNew) continue;
      const reached = this.#routes.reach(address);
      if (reached === false) this.#unreached.add(key);
      if (reached === true && this.#unreached.delete(key) && !isNew) {
        retried.push(...again(present!, state));
      }
    }
    return retried;
  }

  /** Says something once. */
  #say(
    event: WaitingEvent | WarningEvent | UndoneEvent,
    events: WatchEvent[],
  ): void {
    const text = "step" in event ? purposeOf(event.step) : event.why;
    if (this.#said.has(text)) return;
    this.#said.add(text);
    events.push(event);
  }

  /** What another program can change without telling anybody. */
  #readSilent(): string {
    const settings = Object.keys(this.#config.settings ?? {}).flatMap((name) =>
      name === "path_manager" ? [name, "pm_type"] : name
    );
    try {
      return JSON.stringify([
        this.#pm.dumpAddrs(),
        this.#pm.getLimits(),
        settings.map((name) =>
          this.#namespace.readFile(`/proc/sys/net/mptcp/${name}`)
        ),
      ]);
    } catch (error) {
      // What is wrong is said by a look.
      if (error instanceof MptcpError) return error.message;
      throw error;
    }
  }

  /** Removes the endpoints of the file. */
  clean(now: number): WatchEvent[] {
    const events: WatchEvent[] = [];
    const state = this.#readState(now);
    const { governs } = this.#config;
    const made = plan({ endpoints: [], ...governs && { governs } }, state, {
      prune: (one) => this.#own.has(keyOf(one)),
    });
    this.#reasons.renew();
    this.#do(made, now, events);
    return events;
  }

  /** Lets another agent keep the same. */
  [Symbol.dispose](): void {
    this.#claimed?.claim?.[Symbol.dispose]();
    this.#pm.close();
    this.#diag.close();
  }
}

/** Whether it is no use to try again. */
function isLasting(error: Error): boolean {
  return isPermissionError(error) ||
    error instanceof SyscallError && error.code === "EROFS";
}

/** Why an endpoint is deleted and added though it is as it is wanted. */
const RETRY = "peers can be reached from it now: live connections try again";

/** The steps that make live connections try an endpoint again. */
function again(endpoint: Endpoint, { connections }: PresentState): Step[] {
  return [
    {
      ...{ op: "del-addr", endpoint, isReplaced: false },
      ...{ reason: RETRY, effect: {} },
    },
    {
      ...{ op: "add-addr", endpoint },
      ...{ reason: RETRY, effect: { mayOpen: connections } },
    },
  ];
}

/** What is an endpoint already stays, where not all that fit are taken. */
function withPresentFirst(state: PresentState): PresentState {
  const present = new Set(
    state.endpoints.map((one) => `${addressKey(one)} ${one.ifIndex}`),
  );
  const isNew = (one: InterfaceAddress) =>
    Number(!present.has(`${addressKey(one)} ${one.ifIndex}`));
  return {
    ...state,
    addresses: state.addresses.toSorted((one, other) =>
      isNew(one) - isNew(other)
    ),
  };
}

function purposesOf(steps: readonly Step[]): string {
  return steps.map(purposeOf).join("; ");
}
