/**
 * This library and its peers, side by side in one network namespace.
 *
 * @module
 */

import { inRealTime } from "../real_time.ts";
import { rounds } from "../rounds.ts";
import { type PeerProgram, peers } from "./install.ts";
import { Peer } from "./peer.ts";

const ROUNDS = 51;
/** How long one row may take. */
const WITHIN_MS = 15_000;

const OURS = "mptcp";
const REFERENCE = "C";

const serveOurs = [
  // Recorded bytes are read from files.
  ...[Deno.execPath(), "run", "--quiet", "--allow-ffi", "--allow-read"],
  decodeURIComponent(new URL("ours.ts", import.meta.url).pathname),
];

/** What is compared in one row of a table. */
export interface Row {
  /** What the row is called. */
  readonly name: string;
  /** The operation, and its arguments. */
  readonly operation: readonly string[];
  /** What C does instead. @default {the same} */
  readonly inC?: readonly string[];
  /** How many things it does it to: times are for one. @default {1} */
  readonly things?: number;
  /** How many times of C is wanted at the most. @default {none} */
  readonly target?: number;
}

/** The contenders, each a process of its own. */
export class Contest implements AsyncDisposable {
  readonly #peers: ReadonlyMap<string, Peer>;

  private constructor(peers: ReadonlyMap<string, Peer>) {
    this.#peers = peers;
  }

  /**
   * Starts them all in a network namespace.
   *
   * @param others The contenders besides this library. @default {all}
   */
  static open(
    netns: string,
    others: readonly PeerProgram[] = peers(),
  ): Contest {
    const programs = [{ name: OURS, serve: serveOurs }, ...others];
    using _priority = inRealTime();
    return new Contest(
      new Map(programs.map(({ name, serve }) => [
        name,
        Peer.start(name, serve, netns),
      ])),
    );
  }

  /** Headings of the columns. */
  get columns(): string[] {
    const others = this.#others.map((name) => `${name}, ratio`);
    return ["", "C, µs", `${OURS}, µs`, "ratio", "target", ...others];
  }

  get #others(): string[] {
    return [...this.#peers.keys()]
      .filter((name) => name !== OURS && name !== REFERENCE);
  }

  /** Measures one row. */
  async row(
    { name, operation, inC, things = 1, target }: Row,
  ): Promise<string[]> {
    const contenders: Record<string, () => Promise<number>> = {};
    for (const [name, peer] of this.#peers) {
      const own = name === REFERENCE && inC || operation;
      const measure = await peer.prepare(own);
      if (measure !== undefined) contenders[name] = measure;
    }
    const ns: Partial<Record<string, number>> = await rounds(
      contenders,
      ROUNDS,
      WITHIN_MS,
    );
    const us = (name: string) =>
      ns[name] === undefined ? "–" : (ns[name] / things / 1000).toFixed(2);
    const ratio = (name: string) => (ns[name] ?? NaN) / (ns[REFERENCE] ?? NaN);
    const text = (name: string) =>
      Number.isNaN(ratio(name)) ? "–" : ratio(name).toFixed(2);
    return [
      ...[name, us(REFERENCE), us(OURS), text(OURS)],
      outcome(ratio(OURS), target),
      ...this.#others.map(text),
    ];
  }

  /** Ends them all. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers.values()) await peer[Symbol.asyncDispose]();
  }
}

/** Whether a ratio is as it is wanted. */
export function outcome(ratio: number, target: number | undefined): string {
  if (target === undefined) return "";
  const met = Number.isNaN(ratio) ? "?" : ratio <= target ? "met" : "missed";
  return `≤ ${target}: ${met}`;
}
