/**
 * What an agent has to say.
 *
 * @module
 */

import type { ExactEndpoint } from "./config.ts";
import type { Step } from "./step.ts";

/** The file was read, or could not be. */
export interface FileEvent {
  /** What happened. */
  readonly type: "file";
  /**
   * `taken`: it is what is kept from now on; `refused`, `unreadable`: what was
   * taken before is; `same`: it says the same as before.
   */
  readonly state: "taken" | "refused" | "unreadable" | "same";
  /** Why not. */
  readonly why?: string;
}

/** A step was done. */
export interface StepEvent {
  /** What happened. */
  readonly type: "done";
  /** The step. */
  readonly step: Step;
  /** What it was done for, such as `"eth1 has had no carrier for 1 s"`. */
  readonly why: string;
}

/** The host is what the file says, for the first time. */
export interface ReadyEvent {
  /** What happened. */
  readonly type: "ready";
  /** How many endpoints the file has here. */
  readonly endpoints: number;
  /** How many wait for their address. */
  readonly waiting: number;
}

/** An endpoint of the file is not there, since its address is not. */
export interface WaitingEvent {
  /** What happened. */
  readonly type: "waiting";
  /** The endpoint. */
  readonly endpoint: ExactEndpoint;
  /** What it waits for, such as `"eth1 has no carrier"`. */
  readonly why: string;
}

/** Something was refused: it is tried again, or when something changes. */
export interface RefusedEvent {
  /** What happened. */
  readonly type: "refused";
  /** Why. */
  readonly why: string;
  /** How often in a row. */
  readonly times: number;
  /** When it is tried again at the latest, in milliseconds. */
  readonly retryMs: number;
}

/** Another program undoes a step each time: it is left alone for ten minutes. */
export interface UndoneEvent {
  /** What happened. */
  readonly type: "undone";
  /** The step. */
  readonly step: Step;
}

/** What hardly does what is meant. */
export interface WarningEvent {
  /** What happened. */
  readonly type: "warning";
  /** What. */
  readonly why: string;
}

/** What an agent has to say. */
export type WatchEvent =
  | FileEvent
  | StepEvent
  | ReadyEvent
  | WaitingEvent
  | RefusedEvent
  | UndoneEvent
  | WarningEvent;

/** How it is with what a file wants. */
export interface WatchStatus {
  /** How many of its endpoints there are here. */
  readonly endpoints: number;
  /** How many of those that it names wait for their address. */
  readonly waiting: number;
  /** What was refused; absent: nothing. */
  readonly refused?: string;
}
