/**
 * The signs of a path that has stopped to carry data.
 *
 * @module
 */

import { ArgumentRangeError } from "../codec/argument_error.ts";
import type { SubflowReading } from "../diag/connection.ts";

/** What counts as trouble of a subflow. */
export interface TroubleOptions {
  /**
   * Whether to wait for the second retransmission in a row: some 0.6 s instead
   * of 0.2 s after the last ack, and not for each lost window. For a spare that
   * costs money. @default {false}
   */
  readonly cautious?: boolean;
  /**
   * Milliseconds that the retransmission timeout has to have reached, beside a
   * retransmission. @default {none: any counts}
   */
  readonly rtoMs?: number;
  /**
   * Milliseconds for which nothing came, where data had come: for downloads,
   * where this host does not retransmit. A peer that has nothing to say looks the
   * same. @default {none: that is no trouble}
   */
  readonly silenceMs?: number;
}

/** The timeout of a TCP socket that was never measured, in milliseconds. */
const MIN_RTO_MS = 200;
/** Data that came so long ago does not make a silence of later. */
const RECENT_MS = 1000;

/** Checks the numbers. */
export function checkTrouble({ rtoMs, silenceMs }: TroubleOptions): void {
  for (const [name, value] of Object.entries({ rtoMs, silenceMs })) {
    if (value !== undefined && !(value > 0 && value <= 600_000)) {
      throw new ArgumentRangeError(
        `Invalid ${name} ${value}: a number from 1 to 600000 is needed`,
      );
    }
  }
}

/**
 * Says what is wrong with a subflow that was established.
 *
 * @returns `undefined`: nothing.
 */
export function troubleOf(
  reading: SubflowReading,
  { cautious = false, rtoMs = 0, silenceMs }: TroubleOptions,
): string | undefined {
  const { backoff = 0, rtoUs = 0, mss = 1, sendWindow } = reading;
  const { timerRetransmits, lastDataReceivedMs = 0, bytesReceived = 0 } =
    reading;
  // A peer whose program does not read looks the same, but for its window.
  const isReady = sendWindow === undefined
    ? timerRetransmits > 0
    : sendWindow >= mss;
  // Where nothing leaves this host, `rto` stays as it is.
  const timeout = Math.max(rtoUs / 1000, MIN_RTO_MS * 2 ** backoff);
  if (isReady && backoff >= (cautious ? 2 : 1) && timeout >= rtoMs) {
    return `no ack, sent again ${backoff} times in a row`;
  }
  const isSilent = silenceMs !== undefined && bytesReceived > 0 &&
    lastDataReceivedMs >= silenceMs &&
    lastDataReceivedMs < silenceMs + RECENT_MS;
  return isSilent ? `nothing came for ${lastDataReceivedMs} ms` : undefined;
}
