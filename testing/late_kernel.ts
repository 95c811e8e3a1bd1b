import { SyscallError } from "../ffi/syscall_error.ts";
import { NETLINK_GENERIC } from "../netlink/genl.ts";
import { FakeKernel } from "./fake_kernel.ts";

const ENOBUFS = 105;

/** A kernel whose events of MPTCP may come late or never. */
export class LateKernel extends FakeKernel {
  readonly #late: Parameters<FakeKernel["emit"]>[] = [];
  /** Whether they are kept back. */
  isLate = false;
  /** How many messages were sent to groups. */
  told = 0;

  override emit(...told: Parameters<FakeKernel["emit"]>): void {
    this.told++;
    const [event, , protocol] = told;
    const isEvent = protocol === NETLINK_GENERIC && !(event instanceof Error);
    if (this.isLate && isEvent) this.#late.push(told);
    else super.emit(...told);
  }

  /** Some of those that were kept back come. */
  deliver(count: number = Infinity): void {
    for (const told of this.#late.splice(0, count)) super.emit(...told);
  }

  /** They are lost. */
  lose(): void {
    this.#late.length = 0;
    this.emit(new SyscallError("recvfrom", ENOBUFS, "receive from the kernel"));
  }
}
