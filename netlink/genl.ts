/**
 * Generic netlink: families, which the kernel numbers anew at each boot, and
 * their commands.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import { type ExtAck, nameAttribute } from "../codec/extack.ts";
import { encodeGenlMessage, GENL_HDRLEN } from "../codec/genlmsghdr.ts";
import {
  CTRL_ATTR,
  CTRL_CMD_GETFAMILY,
  GENL_ID_CTRL,
  type GenlFamily,
  toFamily,
} from "../codec/nlctrl.ts";
import {
  NLM_F_REQUEST,
  type NlMessage,
  NLMSG_HDRLEN,
} from "../codec/nlmsghdr.ts";
import type { OpPolicy } from "../codec/policy.ts";
import { NetlinkError, NotFoundError, UnsupportedError } from "./errors.ts";
import { NetlinkClient } from "./exchange.ts";
import type { Namespace, Subscription } from "./transport.ts";

/** Protocol of generic netlink. */
export const NETLINK_GENERIC = 16;

const ENOENT = 2;
const EINVAL = 22;
const EOPNOTSUPP = 95;

/** The family that knows the others: its own description is not asked for. */
const NLCTRL: GenlFamily = {
  id: GENL_ID_CTRL,
  name: "nlctrl",
  version: 1,
  ops: [],
  mcastGroups: [],
};

/** The question for a family, in the form of its own commands. */
const GETFAMILY: OpPolicy<object, Partial<GenlFamily>> = {
  name: "getfamily",
  cmd: CTRL_CMD_GETFAMILY,
  set: CTRL_ATTR,
  admin: false,
  since: "2.6.15",
};

/** A family, and how its errors are worded. */
export interface Family {
  /** Name, such as `"mptcp_pm"`. */
  readonly name: string;
  /** Version of its protocol. */
  readonly version: number;
  /** What to say if the kernel does not have it. */
  readonly absent: string;
  /** What a command does, as errors say it: `"set limits"`. */
  readonly action: (op: string) => string;
  /** What a refusal means, where the kernel leaves that open. */
  readonly hint: (
    op: string,
    errno: number,
    extack: ExtAck | undefined,
  ) => string | undefined;
}

/** Something worth knowing about a command that succeeded all the same. */
export interface Warning {
  /** The command, in the words of its specification: `"add-addr"`. */
  readonly op: string;
  /** What to know. */
  readonly message: string;
  /** Whether all was done as was said, which is hardly what was meant. */
  readonly isHint?: true;
}

/** The conversation with one family of one namespace. */
export class GenlClient extends NetlinkClient<OpPolicy> {
  readonly #namespace: Namespace;
  readonly #spec: Family;
  readonly #onWarning: (warning: Warning) => void;
  readonly #buffer = new Uint8Array(256);
  /** nlctrl, which finds the family, and then the family. */
  #family: GenlFamily = NLCTRL;

  /**
   * Opens a socket and looks up the family.
   *
   * @throws {NotFoundError} The kernel has none of this name.
   */
  constructor(
    namespace: Namespace,
    spec: Family,
    onWarning: (warning: Warning) => void,
  ) {
    super(namespace.open(NETLINK_GENERIC));
    this.#namespace = namespace;
    this.#spec = spec;
    this.#onWarning = onWarning;
    try {
      this.#family = toFamily(this.get(GETFAMILY, { name: spec.name }));
    } catch (error) {
      this.close();
      throw error instanceof NetlinkError && error.errno === ENOENT
        ? new NotFoundError("family", spec.absent)
        : error;
    }
  }

  /** Has a command done, and waits for the kernel's ack. */
  execute<Request extends object>(
    op: OpPolicy<Request>,
    attrs: NoInfer<Request>,
  ): void {
    this.executeOp(op, attrs);
  }

  /** Asks for one thing. */
  get<Request extends object, Reply>(
    op: OpPolicy<Request, Reply>,
    attrs: NoInfer<Request>,
  ): Reply {
    return this.getOp(op, attrs) as Reply;
  }

  /**
   * Asks for all things; again if the table changed meanwhile.
   *
   * @param most How many there can be at the most.
   */
  dump<Reply, Request extends object>(
    op: OpPolicy<object, Reply, Request>,
    attrs: NoInfer<Request>,
    most = 65_536,
  ): Reply[] {
    return this.collectOp(op, attrs, most) as Reply[];
  }

  /** Whether the kernel has a command. */
  knows({ cmd }: OpPolicy): boolean {
    return this.#family.ops.some(({ id }) => id === cmd);
  }

  /**
   * Probes whether the kernel filters a dump by an attribute, with a value that
   * it must refuse once it has begun to dump. A kernel that does not know the
   * attribute ignores it, or refuses the request before it dumps.
   */
  filters<Request extends object>(
    op: OpPolicy<object, unknown, Request>,
    attrs: NoInfer<Request>,
  ): boolean {
    try {
      this.dump(op, attrs);
      return false;
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === EINVAL) {
        return this.endedInDump;
      }
      throw error;
    }
  }

  /**
   * Becomes a member of a multicast group of the family.
   *
   * @returns `undefined`: the kernel has no group of this name.
   */
  subscribe(name: string): Subscription | undefined {
    const group = this.groupId(name);
    return group === undefined
      ? undefined
      : this.#namespace.subscribe(NETLINK_GENERIC, [group]);
  }

  /** The number of a multicast group; `undefined`: there is none. */
  groupId(name: string): number | undefined {
    return this.#family.mcastGroups.find((group) => group.name === name)?.id;
  }

  protected override encode(
    { cmd, set }: OpPolicy,
    attrs: object,
    flags: number,
    seq: number,
  ): Uint8Array<ArrayBuffer> {
    const { id: type, version } = this.#family;
    const header = {
      type,
      flags: NLM_F_REQUEST | flags,
      seq,
      pid: 0,
      cmd,
      version,
    };
    return encodeGenlMessage(header, set, attrs, this.#buffer);
  }

  protected override decode(
    { cmd, set }: OpPolicy,
    { type, payload }: NlMessage,
  ): object | undefined {
    if (type !== this.#family.id) return undefined;
    // A reply has the number of its command, except for that of nlctrl.
    const isReply = type === GENL_ID_CTRL || payload[0] === cmd;
    return isReply ? decodeAttrs(set, payload, GENL_HDRLEN) : undefined;
  }

  protected override action({ name }: OpPolicy): string {
    return this.#spec.action(name);
  }

  protected override warning({ name }: OpPolicy, message: string): void {
    this.#onWarning({ op: name, message });
  }

  protected override refusal(
    op: OpPolicy,
    request: Uint8Array,
    errno: number,
    extack: ExtAck | undefined,
  ): Error {
    const { name, set, since } = op;
    const action = this.action(op);
    if (errno === EOPNOTSUPP && this.#family !== NLCTRL && !this.knows(op)) {
      return new UnsupportedError(action, since);
    }
    const named = extack && nameAttribute(extack, {
      bytes: request,
      headerLength: NLMSG_HDRLEN + GENL_HDRLEN,
      set,
    });
    const hint = this.#spec.hint(name, errno, named);
    return new NetlinkError({ op: name, action, errno, extack: named, hint });
  }
}
