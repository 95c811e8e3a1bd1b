import { Socket } from "./socket.ts";

/** How many sockets are in a block of memory. */
const BLOCK = 512;

/**
 * Sockets that were read, in chains. As bytes they take less time and memory
 * than as objects, each of which is made when it is wanted.
 */
export class SocketTable {
  readonly #blocks: Uint8Array[] = [];
  /** The number of the next socket of the chain, by that of one. */
  readonly #next: (number | undefined)[] = [];
  readonly #socket = new Socket();

  /**
   * Adds a socket.
   *
   * @param next The first one of the chain that it is put in front of.
   * @returns Its number.
   */
  add(socket: Socket, next?: number): number {
    const number = this.#next.push(next) - 1;
    const place = number % BLOCK;
    if (place === 0) this.#blocks.push(new Uint8Array(BLOCK * Socket.RECORD));
    socket.save(this.#blocks.at(-1)!, place * Socket.RECORD);
    return number;
  }

  /** The socket of a number: valid until the next call. */
  at(number: number): Socket {
    const block = this.#blocks[Math.floor(number / BLOCK)]!;
    this.#socket.load(block, number % BLOCK * Socket.RECORD);
    return this.#socket;
  }

  /** The socket of a number and those behind it: each valid until the next. */
  *chain(first: number | undefined): Generator<Socket, void> {
    for (let at = first; at !== undefined; at = this.#next[at]) {
      yield this.at(at);
    }
  }
}
