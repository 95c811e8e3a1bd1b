/**
 * What `mptcp watch` tells the service manager.
 *
 * @module
 */

import type { WatchEvent, WatchStatus } from "../../config/mod.ts";
import type { Service } from "../service.ts";
import { statusText } from "./watch_output.ts";

/** How often to look, where no watchdog wants to hear of it more often. */
const TICK_MS = 2000;

/** Tells it how it is. */
export class Reporter {
  readonly #service: Service;
  #isReady = false;
  /** What is wrong with the file. */
  #trouble = "";
  #status = "";
  #told = "";
  #aliveMs = -Infinity;

  constructor(service: Service) {
    this.#service = service;
  }

  /** How often to look, so that it hears in time that this is alive. */
  get tickMs(): number {
    const { watchdogMs = Infinity } = this.#service;
    return Math.max(1, Math.min(TICK_MS, watchdogMs / 4));
  }

  /** Calls when the file is to be read again. */
  onReload(reload: () => void): Disposable {
    return this.#service.onReload(() => {
      this.#service.notify({ state: "reloading" });
      reload();
    });
  }

  /** Tells what happens. */
  hear(event: WatchEvent): void {
    if (event.type === "ready") {
      this.#isReady = true;
      this.#status = statusText(event);
    } else if (event.type !== "file") return;
    else this.#trouble = event.why ? `; not taken: ${event.why}` : "";
    if (!this.#isReady) return;
    this.#told = this.#status + this.#trouble;
    this.#service.notify({ state: "ready", status: this.#told });
  }

  /** Tells that there was a look, and what of it is new. */
  look(looked: WatchStatus): void {
    this.#status = statusText(looked);
    const status = this.#status + this.#trouble;
    if (status !== this.#told) this.#service.notify({ status });
    this.#told = status;
    const { watchdogMs } = this.#service;
    if (watchdogMs === undefined) return;
    const now = performance.now();
    if (now < this.#aliveMs + watchdogMs / 4) return;
    this.#aliveMs = now;
    this.#service.notify({ state: "alive" });
  }

  /** Tells that this is the end. */
  end(): void {
    this.#service.notify({ state: "stopping" });
  }
}
