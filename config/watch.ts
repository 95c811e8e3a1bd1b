/**
 * The agent: it keeps a host what a file says, whatever comes and goes.
 *
 * @module
 */

import { ArgumentRangeError } from "../codec/argument_error.ts";
import { Diag, type DiagOptions } from "../diag/diag.ts";
import type { NetworkChange } from "../diag/network_changes.ts";
import { openNamespace } from "../netlink/transport.ts";
import { DocumentError } from "./document.ts";
import { Keeper } from "./keeper.ts";
import { parseConfig } from "./parse.ts";
import { PlanError } from "./plan.ts";
import type { FileEvent, WatchEvent, WatchStatus } from "./watch_events.ts";
import { type FileNews, WatchedFile } from "./watched_file.ts";

/** So many looks at what nobody tells of make a look at everything. */
const FULL_TICKS = 30;
/** How soon to look again at a file that may be half written. */
const FILE_MS = 200;
/**
 * How long to wait after a look until the next one that a change asks for: as
 * long as it took, where there are many connections.
 */
const PAUSE_MS = 50;
/** The longest time that an option has. */
const MOST_MS = 600_000;
/** So many times as long until the next one that nothing but a tick asks for. */
const REST = 20;

/** How to keep a host what a file says. */
export interface WatchOptions extends DiagOptions {
  /**
   * Whether to remove endpoints that the file governs and does not want, though
   * this agent did not make them. @default {false}
   */
  readonly prune?: boolean;
  /**
   * Whether to change what other programs manage, too.
   * @default {false}
   */
  readonly takeover?: boolean;
  /**
   * Whether to remove the endpoints at the end.
   * @default {false}
   */
  readonly clean?: boolean;
  /**
   * How long a link has to be without carrier until its endpoints go, and calm
   * until they come, in milliseconds, 0 to 600000. @default {1000}
   */
  readonly settleMs?: number;
  /** Ends the agent when it aborts. @default {never} */
  readonly signal?: AbortSignal | undefined;
  /**
   * How often to look at what nobody tells of, which are the file, and what other
   * programs change, in milliseconds, 1 to 600000. @default {2000}
   */
  readonly tickMs?: number;
  /** Called after each such look, with how it is: for a service manager. */
  readonly onLook?: (status: WatchStatus) => void;
}

/** An agent, which works while its events are read. */
export interface Watch extends AsyncIterable<WatchEvent, void> {
  /**
   * Reads the file now, and takes it though it may have just been written. What
   * was left alone since another program undid it is tried again.
   */
  reload(): void;
}

/**
 * Keeps a host what a file says: makes the plan again whenever an address, a
 * link, a route or the file changed, and looks every two seconds whether another
 * program changed endpoints, limits or settings. It works as long as its events
 * are read, and ends with its signal, or with the loop over them.
 *
 * An endpoint goes at once when its address is gone or its link is down, and
 * after `settleMs` without carrier; it comes when its link has been calm for as
 * long and a route is there, which makes the kernel try live connections again.
 * A file that is not valid changes nothing, nor does one that is missing.
 *
 * Needs `CAP_NET_ADMIN` for changes.
 *
 * @param file The file, as {@linkcode parseConfig} takes it.
 * @param options How to keep it.
 * @throws {RangeError} A time is out of range.
 * @throws {DocumentError} The file is wrong at the start.
 * @throws {PlanError} What it wants cannot be done here, at the start; another
 * agent or program manages the same.
 * @throws {ApplyError} The privilege is missing, or sysctls that it wants are
 * mounted read-only, at the start.
 * @throws {Deno.errors.NotFound} There is no such file, at the start.
 * @throws {SyscallError} `ENOENT`: no such namespace; `EACCES`, `EISDIR`: the
 * file cannot be read, at the start.
 *
 * @example Keep it, and say what is done
 * ```ts
 * import { watch } from "@mptcp/pm/config";
 *
 * for await (const event of watch("/etc/mptcp.yaml", { prune: true })) {
 *   if (event.type === "done") console.log(event.step, event.why);
 * }
 * ```
 */
export function watch(file: string, options: WatchOptions = {}): Watch {
  const { settleMs = 1000, tickMs = 2000 } = options;
  checkMs("settleMs", settleMs, 0);
  checkMs("tickMs", tickMs, 1);
  return new Agent(file, { ...options, settleMs, tickMs });
}

function checkMs(name: string, value: number, min: number): void {
  if (value >= min && value <= MOST_MS) return;
  throw new ArgumentRangeError(
    `Invalid ${name} ${value}: a number from ${min} to ${MOST_MS} is needed`,
  );
}

/** With the times that are not given. */
type AgentOptions =
  & WatchOptions
  & Required<Pick<WatchOptions, "settleMs" | "tickMs">>;

/** Watches a file, the network and the clock. */
class Agent implements Watch {
  readonly #name: string;
  readonly #options: AgentOptions;
  /** What has changed since the last look. */
  readonly #changes = new Set<NetworkChange>();
  /** Why the network is followed no more. */
  #failure: unknown;
  #isReloading = false;
  #wake: () => void = () => {};

  constructor(name: string, options: AgentOptions) {
    this.#name = name;
    this.#options = options;
  }

  reload(): void {
    this.#isReloading = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void> {
    const { netns, namespace: given, signal } = this.#options;
    const { prune = false, takeover = false, settleMs } = this.#options;
    using stack = new DisposableStack();
    const namespace = given ?? stack.use(openNamespace(netns));
    const file = new WatchedFile(() => {
      const text = namespace.readFile(this.#name);
      if (text !== undefined) return text;
      const why = "there is no such file";
      throw new Deno.errors.NotFound(`Cannot read ${this.#name}: ${why}`);
    });
    const begin = file.look(true);
    if (begin?.state === "unreadable") throw begin.error;
    const { text } = begin as Extract<FileNews, { readonly text: string }>;
    const config = await parseConfig(text, this.#name);
    const keeper = stack.use(
      new Keeper(namespace, { prune, takeover, settleMs }),
    );
    keeper.take(config);
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake);
    stack.defer(() => signal?.removeEventListener("abort", wake));
    this.#follow(stack.use(Diag.open({ namespace })));
    yield* this.#run(file, keeper);
  }

  /** Notes what changes in the network, from now on. */
  #follow(diag: Diag): void {
    const changes = diag.networkChanges();
    const note = async () => {
      for await (const change of changes) {
        this.#changes.add(change);
        this.#wake();
      }
    };
    note().catch((error) => {
      this.#failure = error;
      this.#wake();
    });
  }

  async *#run(
    file: WatchedFile,
    keeper: Keeper,
  ): AsyncGenerator<WatchEvent, void> {
    const { signal, onLook, clean = false, tickMs: every } = this.#options;
    let ticks = 0;
    let [tickMs, fileMs, lookedMs, tookMs] = [0, 0, -Infinity, 0];
    let isDue = true;
    let isClean = !clean;
    try {
      while (!signal?.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        const now = performance.now();
        const isTick = now >= tickMs;
        if (isTick) {
          tickMs = now + every;
          ticks++;
          isDue ||= ticks % FULL_TICKS === 0 ||
            now >= lookedMs + REST * tookMs && keeper.hasReason();
        }
        if (isTick || this.#isReloading || now >= fileMs) {
          const event = await this.#read(file, keeper);
          fileMs = file.isChanging ? now + FILE_MS : Infinity;
          isDue ||= event !== undefined;
          if (event !== undefined) yield event;
        }
        const isChanged = this.#takeChanges(keeper);
        isDue ||= isChanged || now >= keeper.nextMs;
        const pauseMs = Math.max(PAUSE_MS, tookMs);
        if (isDue && now >= lookedMs + pauseMs) {
          isDue = false;
          const events = keeper.look(now);
          lookedMs = performance.now();
          tookMs = lookedMs - now;
          yield* events;
        }
        onLook?.(keeper.status);
        const dueMs = isDue ? lookedMs + pauseMs : keeper.nextMs;
        await this.#sleep(Math.min(tickMs, fileMs, dueMs));
      }
      if (!isClean) {
        isClean = true;
        yield* keeper.clean(performance.now());
      }
    } finally {
      // Where the loop over the events was left.
      if (!isClean) keeper.clean(performance.now());
    }
  }

  /** Reads the file, and takes it if it is right. */
  async #read(
    file: WatchedFile,
    keeper: Keeper,
  ): Promise<FileEvent | undefined> {
    const isReloading = this.#isReloading;
    this.#isReloading = false;
    if (isReloading) keeper.forgive();
    const news = file.look(isReloading);
    if (news === undefined) return undefined;
    if (news.state === "unreadable") {
      return { type: "file", state: news.state, why: news.error.message };
    }
    if (news.state === "same") return { type: "file", state: news.state };
    try {
      keeper.take(await parseConfig(news.text, this.#name));
      return { type: "file", state: "taken" };
    } catch (error) {
      const isWrong = error instanceof DocumentError ||
        error instanceof PlanError;
      if (!isWrong) throw error;
      return { type: "file", state: "refused", why: error.message };
    }
  }

  /** Whether what changed asks for a look. */
  #takeChanges({ awaitsRoute }: Keeper): boolean {
    const isWanted = [...this.#changes].some((change) =>
      awaitsRoute || change !== "route" && change !== "rule"
    );
    this.#changes.clear();
    return isWanted;
  }

  /** Waits until a time, or until something happens. */
  async #sleep(untilMs: number): Promise<void> {
    const isPending = this.#changes.size > 0 || this.#isReloading ||
      this.#options.signal?.aborted || this.#failure !== undefined;
    if (isPending) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, untilMs - performance.now()));
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}
