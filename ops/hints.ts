import { errnoName } from "../codec/errno.ts";
import type { ExtAck } from "../codec/extack.ts";

/** What is wrong with a token that the kernel refuses. */
export const TOKEN: string =
  "a token belongs to one network namespace, ends with its connection, and " +
  "takes commands only if the connection was made while " +
  "net.mptcp.path_manager was userspace, or net.mptcp.pm_type 1 before " +
  "Linux 6.15";

/** Kernels before 6.17 reject a bad token without naming the attribute. */
const OLDER = `; before Linux 6.17 it may be the token: ${TOKEN}`;

/** What refusals mean, by command, errno and attribute. */
export const HINTS: { readonly [key: string]: string } = {
  "add-addr EEXIST": "the address is an endpoint already",
  "add-addr EBUSY": "the id belongs to another endpoint",
  "add-addr ERANGE": "the table is full: delete an endpoint first",
  "add-addr EADDRNOTAVAIL":
    "an endpoint with a port is listened on, so its address must be on this " +
    "host; to announce an address behind NAT leave the port out",
  "add-addr EADDRINUSE": "something listens on this port already",
  "announce EINVAL .addr":
    "an address keeps the id that it was first announced with",
  "announce EINVAL":
    `an address keeps the id that it was first announced with${OLDER}`,
  "remove EINVAL .loc-id": "no address was announced with this id",
  "remove EINVAL": `no address was announced with this id${OLDER}`,
  "subflow-create EINVAL .addr":
    "an address and its local port keep their id, and an absent id is 0: give " +
    "both as before, or an id that is free",
  "subflow-create EINVAL":
    `both addresses are of one family, which is that of the connection${OLDER}`,
  "subflow-create ENOTCONN":
    "subflows are possible once data has been exchanged, and not on a " +
    "connection that fell back to TCP",
  "subflow-create EADDRNOTAVAIL": "the local address is not on this host",
  "subflow-create ENODEV": "there is no such device",
  "subflow-destroy ESRCH":
    "the addresses are written as the subflow's socket has them: an IPv4 " +
    "client of a dual-stack server is ::ffff:a.b.c.d there",
};

/**
 * What a refusal means, where the kernel's words leave that open or mislead.
 * They change between releases: only the error and the attribute count here.
 */
export function hintFor(
  op: string,
  errno: number,
  extack?: ExtAck,
): string | undefined {
  const code = errnoName(errno);
  if (code === "EPERM") {
    return "CAP_NET_ADMIN is needed in the user namespace that owns this " +
      "network namespace: try as root";
  }
  // The hints are about a value that is there.
  if (extack?.missing !== undefined) return undefined;
  if (extack?.attribute === ".token") return TOKEN;
  // ERANGE is also a value of the wrong width, which has a place.
  if (code === "ERANGE" && extack?.attribute !== undefined) return undefined;
  return HINTS[`${op} ${code} ${extack?.attribute}`] ?? HINTS[`${op} ${code}`];
}
