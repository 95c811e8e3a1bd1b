import { type Memory, memoryOf, Socket } from "./socket.ts";

/** How many sockets are in a block of memory. */
const BLOCK_BITS = 9;
const BLOCK = 1 << BLOCK_BITS;

/**
 * Sockets that were read, in chains. As bytes they take less time and memory
 * than as objects, each of which is made when it is wanted.
 */
export class SocketTable {
  readonly #blocks: Memory[] = [];
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
    const place = number & BLOCK - 1;
    if (place === 0) {
      this.#blocks.push(memoryOf(new ArrayBuffer(BLOCK * Socket.RECORD)));
    }
    socket.save(this.#blocks.at(-1)!, place * Socket.RECORD);
    return number;
  }

  /** The socket of a number: valid until the next call. */
  at(number: number): Socket {
    const block = this.#blocks[number >>> BLOCK_BITS]!;
    this.#socket.load(block, (number & BLOCK - 1) * Socket.RECORD);
    return this.#socket;
  }

  /** The number of the socket behind one in its chain. */
  next(number: number): number | undefined {
    return this.#next[number];
  }
}
