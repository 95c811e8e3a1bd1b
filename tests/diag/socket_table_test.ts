import { assertEquals } from "@std/assert";
import { encodeAttrs, sockDiag } from "../../codec/mod.ts";
import { Socket } from "../../diag/socket.ts";
import { SocketTable } from "../../diag/socket_table.ts";

const { INET_DIAG_MSG, MPTCP_INFO } = sockDiag;

/** A message of an MPTCP socket, with so many bytes before what is read. */
function message(token: number, unknown: number): Uint8Array {
  const attrs = [];
  for (let left = unknown; left > 0; left -= 0xfffc) {
    const length = Math.min(left, 0xfffc);
    const attr = new Uint8Array(length);
    new Uint16Array(attr.buffer, 0, 2).set([length, 99]);
    attrs.push(attr);
  }
  const info = new Uint8Array(MPTCP_INFO.length);
  new Uint32Array(info.buffer)[3] = token;
  return new Uint8Array([
    ...new Uint8Array(INET_DIAG_MSG.length),
    ...attrs.flatMap((attr) => [...attr]),
    ...encodeAttrs(sockDiag.INET_DIAG, { info }),
  ]);
}

Deno.test("`SocketTable` keeps sockets in chains, however long their messages are", () => {
  const table = new SocketTable();
  const socket = new Socket();
  const numbers: number[] = [];
  for (let token = 1; token <= 400; token++) {
    socket.read(message(token, token % 100 === 0 ? 150_000 : token % 7 * 200));
    numbers.push(table.add(socket, numbers.at(-2)));
  }
  for (const [index, number] of numbers.entries()) {
    assertEquals(table.at(number).ownToken, index + 1);
    assertEquals(table.next(number), numbers[index - 2]);
  }
});
