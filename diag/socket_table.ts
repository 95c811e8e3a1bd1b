import { align4 } from "../codec/nlmsghdr.ts";
import { type Memory, memoryOf, Socket } from "./socket.ts";

/** How long a block of memory is, unless one socket takes more. */
const BLOCK_BITS = 17;
const BLOCK = 1 << BLOCK_BITS;

/** No number of a socket. */
const NONE = 0xffff_ffff;

/**
 * Sockets that were read, in chains. As bytes they take less time and memory
 * than as objects, each of which is made when it is wanted.
 */
export class SocketTable {
  readonly #blocks: Memory[] = [];
  /** Where the last block has room. */
  #end = BLOCK;
  readonly #socket = new Socket();

  /**
   * Adds a socket.
   *
   * @param next The first one of the chain that it is put in front of.
   * @returns Its number.
   */
  add(socket: Socket, next: number = NONE): number {
    const size = 4 + socket.size;
    if (this.#end + size > BLOCK) {
      const length = Math.max(BLOCK, size);
      this.#blocks.push(memoryOf(new ArrayBuffer(length)));
      this.#end = 0;
    }
    const last = this.#blocks.length - 1;
    const block = this.#blocks[last]!;
    const at = this.#end;
    block.view.setUint32(at, next);
    socket.save(block, at + 4);
    this.#end = align4(at + size);
    return last * BLOCK + at;
  }

  /** The socket of a number: valid until the next call. */
  at(number: number): Socket {
    const block = this.#blocks[number >>> BLOCK_BITS]!;
    this.#socket.load(block, (number & BLOCK - 1) + 4);
    return this.#socket;
  }

  /** The number of the socket behind one in its chain; absent: it is the last. */
  next(number: number): number | undefined {
    const block = this.#blocks[number >>> BLOCK_BITS]!;
    const next = block.view.getUint32(number & BLOCK - 1);
    return next === NONE ? undefined : next;
  }
}
