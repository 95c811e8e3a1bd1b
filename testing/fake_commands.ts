/**
 * From a datagram to the kernel to its answer: generic netlink
 * (`net/netlink/genetlink.c`) with the families `nlctrl` and `mptcp_pm`.
 *
 * @module
 */

import { encodeAttrs } from "../codec/attrs.ts";
import { readU16, readU32 } from "../codec/bytes.ts";
import { encodeGenlMessage, GENL_HDRLEN } from "../codec/genlmsghdr.ts";
import {
  MPTCP_PM_ATTR_TOKEN as TOKEN,
  MPTCP_PM_CMD_GET_ADDR as GET_ADDR,
  MPTCP_PM_CMD_GRP_NAME,
  MPTCP_PM_ENDPOINT_ADDR as ADDR,
  MPTCP_PM_EV_GRP_NAME,
  MPTCP_PM_NAME,
  OPS,
} from "../codec/mptcp_pm.gen.ts";
import {
  CTRL_ATTR,
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  GENL_CMD_CAP_DO,
  GENL_CMD_CAP_DUMP,
  GENL_CMD_CAP_HASPOL,
  GENL_ID_CTRL,
  GENL_UNS_ADMIN_PERM,
} from "../codec/nlctrl.ts";
import {
  align4,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_HDRLEN,
} from "../codec/nlmsghdr.ts";
import type { AttrPolicy, AttrSet } from "../codec/policy.ts";
import { type Address, addressAttrs, parseEntry } from "./fake_address.ts";
import type { KernelConnection } from "./fake_connection.ts";
import type { EndpointTable } from "./fake_endpoints.ts";
import {
  type Bytes,
  concat,
  EINVAL,
  encodeAck,
  encodeDone,
  FakeRequest,
  PORT_ID,
  Refusal,
  type SocketOptions,
} from "./fake_netlink.ts";

/** The number of `mptcp_pm` here. It is another one on each real kernel. */
export const FAMILY = 28;
/** The number of the group of events. It is another one on each real kernel. */
export const EVENTS_GROUP = 9;

const EPERM = 1;
const ENOENT = 2;
const EBUSY = 16;
const EOPNOTSUPP = 95;

/** Types below are no requests. */
const NLMSG_MIN_TYPE = 16;
/** The first command that was not there when headers began to be checked. */
const RESERVED_FROM = 12;
const NLM_F_ECHO = 8;

/** What commands read and change. */
export interface CommandState {
  readonly table: EndpointTable;
  readonly connections: ReadonlyMap<number, KernelConnection>;
  readonly hasFamily: boolean;
  readonly privileged: boolean;
  readonly options: SocketOptions;
}

/** A command: the attributes it takes, and what it does. */
interface Command {
  readonly cmd: number;
  readonly set: AttrSet;
  readonly admin: boolean;
  /** Numbers of the attributes (`net/mptcp/mptcp_pm_gen.c`), ascending. */
  readonly takes: readonly number[];
  /** Does it, and returns the attributes of the reply, if there is one. */
  readonly run: (state: CommandState, request: FakeRequest) => object | void;
}

const COMMANDS: readonly Command[] = [
  { ...OPS["add-addr"], takes: [1], run: ({ table }, it) => table.addAddr(it) },
  { ...OPS["del-addr"], takes: [1], run: ({ table }, it) => table.delAddr(it) },
  { ...OPS["get-addr"], takes: [1, 4], run: getAddr },
  {
    ...OPS["flush-addrs"],
    takes: [1],
    run: ({ table }) => table.flushAddrs(),
  },
  {
    ...OPS["set-limits"],
    takes: [2, 3],
    run: ({ table }, it) => table.setLimits(it),
  },
  {
    ...OPS["get-limits"],
    takes: [2, 3],
    run: ({ table: { limits } }) => ({
      rcvAddAddrs: limits.addAddrAccepted,
      subflows: limits.subflows,
    }),
  },
  { ...OPS["set-flags"], takes: [1, 4, 6], run: setFlags },
  {
    ...OPS["announce"],
    takes: [1, 4],
    run: (state, it) => connectionOf(state, it, 1).announce(it),
  },
  {
    ...OPS["remove"],
    takes: [4, 5],
    run: (state, it) => connectionOf(state, it, 5).remove(it),
  },
  {
    ...OPS["subflow-create"],
    takes: [1, 4, 6],
    run: (state, it) => connectionOf(state, it, 1, 6).subflowCreate(it),
  },
  {
    ...OPS["subflow-destroy"],
    takes: [1, 4, 6],
    run: (state, it) => connectionOf(state, it, 1, 6).subflowDestroy(it),
  },
];

function getAddr(state: CommandState, request: FakeRequest): object {
  if (!request.attrs.has(TOKEN)) {
    return { addr: addressAttrs(state.table.getAddr(request)) };
  }
  const nest = request.need(ADDR);
  const { id } = parseEntry(request, nest, false);
  const address =
    state.connections.get(request.number(request.attrs.get(TOKEN)))
      ?.getAddr(id) ?? request.invalid("address not found", nest);
  return { addr: addressAttrs(address) };
}

function setFlags(state: CommandState, request: FakeRequest): void {
  if (!request.attrs.has(TOKEN)) return state.table.setFlags(request);
  parseEntry(request, request.need(ADDR), false);
  connectionOf(state, request, 6).setFlags(request);
}

/**
 * The connection that a command is for (`mptcp_userspace_pm_get_sock()`).
 *
 * @param needs The attributes that must be there, too: the kernel looks for
 * them first.
 */
function connectionOf(
  { connections }: CommandState,
  request: FakeRequest,
  ...needs: number[]
): KernelConnection {
  for (const type of needs) request.need(type);
  const token = request.need(TOKEN);
  const connection = connections.get(request.number(token)) ??
    request.invalid("invalid token", token);
  if (connection.pathManager !== "userspace") {
    request.invalid("userspace PM not selected", token);
  }
  return connection;
}

/**
 * Answers the requests in a datagram, in datagrams.
 *
 * @param isDumping Whether an earlier dump has not come to its end.
 */
export function answer(
  state: CommandState,
  datagram: Bytes,
  isDumping: boolean,
): Bytes[] {
  const answers: Bytes[] = [];
  // The end of a dump is made when what is before it has been received.
  const ends: Bytes[] = [];
  for (let at = 0; at + NLMSG_HDRLEN <= datagram.length;) {
    const length = readU32(datagram, at);
    if (length < NLMSG_HDRLEN || at + length > datagram.length) break;
    const request = new FakeRequest(datagram.slice(at, at + length));
    const isBusy = isDumping || ends.length > 0;
    const [first, ...others] = answerOne(state, request, isBusy);
    if (first !== undefined) answers.push(first);
    const isDump = others[0] !== undefined && typeOf(others[0]) === NLMSG_DONE;
    (isDump ? ends : answers).push(...others);
    at += align4(length);
  }
  return [...answers, ...ends];
}

const typeOf = (message: Bytes) => readU16(message, 4);

function answerOne(
  state: CommandState,
  request: FakeRequest,
  isDumping: boolean,
): Bytes[] {
  const { type, flags } = request;
  let reply: Bytes[] = [];
  try {
    // The kernel skips what is no request, and says that all is well.
    if (flags & NLM_F_REQUEST && type >= NLMSG_MIN_TYPE) {
      if ((flags & NLM_F_DUMP) === NLM_F_DUMP) {
        return dump(state, request, isDumping);
      }
      reply = execute(state, request);
    }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return [encodeAck(request, refusal.errno, state.options)];
  }
  return flags & NLM_F_ACK
    ? [...reply, encodeAck(request, 0, state.options)]
    : reply;
}

/** What a request asks for (`genl_family_rcv_msg()`). */
function commandOf(state: CommandState, request: FakeRequest): Command {
  const { type, bytes, flags } = request;
  if (type !== FAMILY || !state.hasFamily) throw new Refusal(ENOENT);
  if (bytes.length < NLMSG_HDRLEN + GENL_HDRLEN) throw new Refusal(EINVAL);
  const cmd = bytes[NLMSG_HDRLEN]!;
  if (cmd >= RESERVED_FROM) {
    if (readU16(bytes, NLMSG_HDRLEN + 2) !== 0) {
      request.invalid("genlmsghdr.reserved field is not 0");
    }
    const isDump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
    if (
      flags &
      ~(NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO | (isDump ? NLM_F_DUMP : 0))
    ) {
      request.invalid("ambiguous or reserved bits set in nlmsg_flags");
    }
  }
  const command = COMMANDS.find((command) => command.cmd === cmd);
  if (command === undefined) throw new Refusal(EOPNOTSUPP);
  return command;
}

function parse(
  state: CommandState,
  request: FakeRequest,
  { set, takes, admin }: Command,
  isDump: boolean,
): void {
  if (admin && !state.privileged) throw new Refusal(EPERM);
  const start = NLMSG_HDRLEN + GENL_HDRLEN;
  request.attrs = request.parse(
    start,
    request.bytes.length,
    set,
    isDump,
    takes,
  );
}

function execute(state: CommandState, request: FakeRequest): Bytes[] {
  if (request.type === GENL_ID_CTRL) return [getFamily(state, request)];
  const command = commandOf(state, request);
  parse(state, request, command, false);
  const attrs = command.run(state, request);
  return attrs === undefined ? [] : [encodeReply(request, command, 0, attrs)];
}

function encodeReply(
  { seq }: FakeRequest,
  { cmd, set }: Pick<Command, "cmd" | "set">,
  flags: number,
  attrs: object,
): Bytes {
  const header = { type: FAMILY, flags, seq, pid: PORT_ID, cmd, version: 1 };
  return encodeGenlMessage(header, set, attrs).slice();
}

function dump(
  state: CommandState,
  request: FakeRequest,
  isDumping: boolean,
): Bytes[] {
  const command = commandOf(state, request);
  if (command.cmd !== GET_ADDR) throw new Refusal(EOPNOTSUPP);
  if (isDumping) throw new Refusal(EBUSY);
  parse(state, request, command, true);
  let addresses: readonly Address[];
  try {
    addresses = request.attrs.has(TOKEN)
      ? connectionOf(state, request).dump()
      : state.table.dump();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return [encodeDone(request, refusal.errno)];
  }
  const replies = addresses.map((address) =>
    encodeReply(request, command, NLM_F_MULTI, { addr: addressAttrs(address) })
  );
  return [
    ...replies.length > 0 ? [concat(replies)] : [],
    encodeDone(request),
  ];
}

/** `ctrl_getfamily()` */
function getFamily(state: CommandState, request: FakeRequest): Bytes {
  const { bytes, seq } = request;
  const start = NLMSG_HDRLEN + GENL_HDRLEN;
  if (bytes.length < start) throw new Refusal(EINVAL);
  if (bytes[NLMSG_HDRLEN] !== CTRL_CMD_GETFAMILY) throw new Refusal(EOPNOTSUPP);
  const attrs = request.parse(start, bytes.length, CTRL_ATTR, false, [1, 2]);
  const [id, name] = [attrs.get(1), attrs.get(2)];
  if (id === undefined && name === undefined) throw new Refusal(EINVAL);
  const isWanted =
    (name === undefined || request.text(name) === MPTCP_PM_NAME) &&
    (id === undefined || request.number(id) === FAMILY);
  if (!isWanted || !state.hasFamily) throw new Refusal(ENOENT);
  const [ops, groups] = [6, 7].map((type) => CTRL_ATTR.attrs[type]!.nested!);
  const header = {
    type: GENL_ID_CTRL,
    flags: 0,
    seq,
    pid: PORT_ID,
    cmd: CTRL_CMD_NEWFAMILY,
    version: 2,
  };
  return encodeGenlMessage(header, FAMILY_REPLY, {
    name: MPTCP_PM_NAME,
    id: FAMILY,
    version: 1,
    hdrsize: 0,
    maxattr: 0,
    ops: unflagged(
      COMMANDS.map(({ cmd, admin }) => {
        const flags = GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL |
          (admin ? GENL_UNS_ADMIN_PERM : 0) |
          (cmd === GET_ADDR ? GENL_CMD_CAP_DUMP : 0);
        return encodeAttrs(ops!, { id: cmd, flags });
      }),
    ),
    mcastGroups: unflagged(
      [MPTCP_PM_CMD_GRP_NAME, MPTCP_PM_EV_GRP_NAME].map((name, index) =>
        encodeAttrs(groups!, { id: EVENTS_GROUP - 1 + index, name })
      ),
    ),
  }).slice();
}

/** `nlctrl` marks none of its nests as such. */
const FAMILY_REPLY: AttrSet = {
  name: CTRL_ATTR.name,
  attrs: CTRL_ATTR.attrs.map((policy) =>
    policy?.kind === "array" ? { ...policy, kind: "binary" } : policy
  ),
};

/** The entries of such a nest. */
function unflagged(entries: readonly Uint8Array[]): Bytes {
  const attrs = entries.map((_, index): AttrPolicy => ({
    ...{ type: index + 1, name: "entry", kind: "binary" },
    key: `${index + 1}`,
  }));
  return encodeAttrs(
    { name: "entries", attrs: [undefined, ...attrs] },
    Object.fromEntries(entries.map((entry, index) => [index + 1, entry])),
  );
}
