/** How much the in-kernel path manager does for each connection. */
export interface Limits {
  /**
   * Subflows that a connection may have besides its initial one: 0 to 8 on
   * Linux 6.18. The kernel starts with 2.
   */
  readonly subflows: number;
  /**
   * Announced addresses (ADD_ADDR) of the peer that a connection accepts: 0 to
   * 8 on Linux 6.18. The kernel starts with 0.
   */
  readonly addAddrAccepted: number;
}
