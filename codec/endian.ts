/** Netlink speaks the byte order of the host; `DataView` wants to be told. */
export const HOST_LITTLE_ENDIAN: boolean =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
