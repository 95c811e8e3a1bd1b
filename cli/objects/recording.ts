/**
 * From what is observed to what is drawn: subflows become paths.
 *
 * @module
 */

import type { ConnectionRate } from "../../diag/mod.ts";
import type { PathManagerEvent } from "../../mod.ts";
import type { Mark, RecordedPath, Recording, Sample } from "./record_svg.ts";
import type { Happening } from "./recorder.ts";

/** Gathers what is drawn. */
export class Recorder
  implements Pick<Recording, "paths" | "samples" | "marks"> {
  readonly paths: (RecordedPath & { ids: number[]; devs: string[] })[] = [];
  readonly samples: Sample[] = [];
  readonly marks: Mark[] = [];
  readonly #indexes = new Map<string, number>();

  /** Adds what an interval carried; the reading at the begin is none. */
  measured(atMs: number, connections: readonly ConnectionRate[]): void {
    const rates: [sent: number, received: number][] = [];
    for (const { subflows } of connections) {
      for (
        const { subflow, sentBitPerSec = 0, receivedBitPerSec = 0 } of subflows
      ) {
        const { local, remote, dev } = subflow;
        const index = this.#path(local.address, remote.address, local.id, dev);
        const rate = rates[index] ??= [0, 0];
        rate[0] += sentBitPerSec;
        rate[1] += receivedBitPerSec;
      }
    }
    if (atMs > 0) this.samples.push({ atMs, rates });
  }

  /** Adds an event, where it is one to be marked. */
  happened({ atMs, event }: Happening): void {
    const label = labelOf(event);
    if (label === undefined) return;
    const path = "locId" in event && event.type !== "created"
      ? this.#path(
        event.local.address,
        event.remote.address,
        event.locId,
        "dev" in event ? event.dev : undefined,
      )
      : undefined;
    this.marks.push({ atMs, label, ...path !== undefined && { path } });
  }

  /** The index of a path, which is added where it is new. */
  #path(
    local: string,
    remote: string,
    id: number,
    dev: string | undefined,
  ): number {
    const key = `${local} ${remote}`;
    const index = this.#indexes.get(key) ?? this.paths.length;
    this.#indexes.set(key, index);
    const { ids, devs } = this.paths[index] ??= {
      ...{ local, remote },
      ...{ ids: [], devs: [] },
    };
    if (!ids.includes(id)) ids.push(id);
    if (dev !== undefined && !devs.includes(dev)) devs.push(dev);
    return index;
  }
}

function labelOf(event: PathManagerEvent): string | undefined {
  switch (event.type) {
    case "created":
      return "connection made";
    case "closed":
      return "connection closed";
    case "announced":
      return `id ${event.remId} announced`;
    case "removed":
      return `id ${event.remId} removed`;
    case "sub-established":
      return event.backup ? "made as backup" : "made";
    case "sub-closed":
      return event.error ? `closed: ${event.error.code}` : "closed";
    case "sub-priority":
      return event.backup ? "backup" : "no backup";
    case "overrun":
      return "events lost";
    default:
      return undefined;
  }
}
