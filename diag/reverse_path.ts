/**
 * `net.ipv4.conf.*.rp_filter`: whether packets are dropped that came by another
 * device than an answer would take.
 *
 * @module
 */

import { ProtocolError } from "../netlink/errors.ts";
import type { Namespace } from "../netlink/transport.ts";

/** How one device checks the way back. */
export interface ReversePath {
  /** Name of the device, or `all`: the larger value of the two holds. */
  readonly dev: string;
  /** 0: it does not, 1: strictly, 2: only that there is a way at all. */
  readonly value: number;
}

const FOLDER = "/proc/sys/net/ipv4/conf";

/** Reads the value of each device, and `all`. */
export function listReversePath(namespace: Namespace): ReversePath[] {
  const devices = namespace.listDirectory(FOLDER);
  if (devices === undefined) {
    throw new ProtocolError(
      `Cannot read rp_filter: ${FOLDER} cannot be seen here`,
    );
  }
  return devices.filter((dev) => dev !== "default").toSorted()
    .flatMap((dev) => {
      const text = namespace.readFile(`${FOLDER}/${dev}/rp_filter`);
      return text === undefined ? [] : [{ dev, value: Number(text) }];
    });
}
