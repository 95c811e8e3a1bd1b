import { parseAddress } from "../codec/inet.ts";
import { tcpPort } from "../codec/arguments.ts";
import { type AddressNest, addressNest } from "./arguments.ts";

/** One end of a subflow. */
export interface SubflowAddress {
  /**
   * IPv4 or IPv6 address, in the family of the subflow's socket: an IPv4
   * client of a dual-stack server is `::ffff:a.b.c.d` on that server.
   */
  readonly address: string;
  /** TCP port, 1 to 65535. */
  readonly port: number;
}

/** The address nest of one end. */
export function subflowEnd(
  end: "local" | "remote",
  { address, port }: SubflowAddress,
  flags?: number,
): AddressNest {
  return addressNest(parseAddress(address), {
    port: tcpPort(`${end} port`, port),
    flags,
  });
}
