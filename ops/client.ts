/**
 * The conversation with `mptcp_pm` in one namespace, and what the running
 * kernel can do.
 *
 * @module
 */

import {
  MPTCP_PM_NAME,
  MPTCP_PM_VER,
  type OpName,
  OPS,
} from "../codec/mptcp_pm.gen.ts";
import { type Family, GenlClient, type Warning } from "../netlink/genl.ts";
import type { Namespace } from "../netlink/transport.ts";
import { hintFor } from "./hints.ts";
import { ACTIONS, type Operation } from "./operation.ts";

const MPTCP_PM: Family = {
  name: MPTCP_PM_NAME,
  version: MPTCP_PM_VER,
  absent:
    `Cannot find the netlink family "${MPTCP_PM_NAME}": this kernel has ` +
    "no Multipath TCP path manager, which Linux has from 5.7 on if it was " +
    "built with CONFIG_MPTCP=y",
  action: (op) => ACTIONS[op as Operation],
  hint: hintFor,
};

/** A client of `mptcp_pm`. */
export class Client extends GenlClient {
  /** Where devices are named, and sysctls are. */
  readonly namespace: Namespace;
  /** Takes the warnings. */
  readonly warn: (warning: Warning) => void;
  readonly #isListening: boolean;
  #filtersByToken: boolean | undefined;

  /**
   * Opens a socket in a namespace.
   *
   * @throws {NotFoundError} The kernel has no `mptcp_pm`.
   */
  constructor(
    namespace: Namespace,
    onWarning?: (warning: Warning) => void,
    family: Family = MPTCP_PM,
  ) {
    const warn = onWarning ?? (() => {});
    super(namespace, family, warn);
    this.namespace = namespace;
    this.warn = warn;
    this.#isListening = onWarning !== undefined;
  }

  /**
   * Says what was hardly meant, if anything takes warnings. The command is
   * done: that the reason cannot be found out is no error.
   */
  hint(op: OpName, find: () => string | undefined): void {
    if (!this.#isListening) return;
    let message: string | undefined;
    try {
      message = find();
    } catch {
      return;
    }
    if (message !== undefined) this.warn({ op, message, isHint: true });
  }

  /**
   * Whether the kernel lists the addresses of one connection (Linux 6.9). One
   * that does not know the token would answer with the endpoints of the
   * namespace, even for 0, which no connection has.
   */
  get filtersByToken(): boolean {
    return this.#filtersByToken ??= this.filters(OPS["get-addr"], {
      token: 0,
    });
  }

  /** Whether connections can be managed from user space (Linux 5.19). */
  get managesConnections(): boolean {
    return this.knows(OPS["subflow-destroy"]);
  }
}
