/**
 * From a request to its answer: generic netlink (`net/netlink/genetlink.c`)
 * with the families `nlctrl` and `mptcp_pm`.
 *
 * @module
 */

import { encodeAttrs } from "../codec/attrs.ts";
import { encodeGenlMessage, GENL_HDRLEN } from "../codec/genlmsghdr.ts";
import {
  MPTCP_PM_CMD_GRP_NAME,
  MPTCP_PM_EV_GRP_NAME,
  MPTCP_PM_NAME,
  MPTCP_PM_VER,
  type OpName,
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
import { NLM_F_MULTI, NLMSG_HDRLEN } from "../codec/nlmsghdr.ts";
import type { AttrPolicy, AttrSet } from "../codec/policy.ts";
import { type Address, addressAttrs, parseEntry } from "./fake_address.ts";
import type { KernelConnection } from "./fake_connection.ts";
import type { EndpointTable } from "./fake_endpoints.ts";
import {
  answerRequest,
  type Bytes,
  EINVAL,
  encodeDone,
  type FakeRequest,
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

const ATTRS_START = NLMSG_HDRLEN + GENL_HDRLEN;

/** The attributes that commands take (`net/mptcp/mptcp_pm_gen.c`). */
const TAKES: Readonly<Record<OpName, readonly string[]>> = {
  "add-addr": ["addr"],
  "del-addr": ["addr"],
  "get-addr": ["addr", "token"],
  "flush-addrs": ["addr"],
  "set-limits": ["rcvAddAddrs", "subflows"],
  "get-limits": ["rcvAddAddrs", "subflows"],
  "set-flags": ["addr", "token", "addrRemote"],
  "announce": ["addr", "token"],
  "remove": ["token", "locId"],
  "subflow-create": ["addr", "token", "addrRemote"],
  "subflow-destroy": ["addr", "token", "addrRemote"],
};

/** What commands read and change. */
export interface CommandState {
  readonly table: EndpointTable;
  readonly connections: ReadonlyMap<number, KernelConnection>;
  readonly hasFamily: boolean;
  readonly privileged: boolean;
  readonly options: SocketOptions;
}

/**
 * Answers a request, in datagrams.
 *
 * @param isDumping Whether an earlier dump has not come to its end.
 */
export function answer(
  state: CommandState,
  datagram: Bytes,
  isDumping: boolean,
): Bytes[] {
  return answerRequest(datagram, state.options, {
    execute: (request) => execute(state, request),
    dump: (request) => dump(state, request, isDumping),
  });
}

/** The command of a request (`genl_family_rcv_msg()`). */
function opOf(state: CommandState, { type, bytes }: FakeRequest): OpName {
  if (type !== FAMILY || !state.hasFamily) throw new Refusal(ENOENT);
  if (bytes.length < ATTRS_START) throw new Refusal(EINVAL);
  const names = Object.keys(OPS) as OpName[];
  const op = names.find((name) => OPS[name].cmd === bytes[NLMSG_HDRLEN]);
  if (op === undefined) throw new Refusal(EOPNOTSUPP);
  return op;
}

function parse(
  { privileged }: CommandState,
  request: FakeRequest,
  op: OpName,
  isDump: boolean,
): void {
  if (OPS[op].admin && !privileged) throw new Refusal(EPERM);
  request.parse(ATTRS_START, OPS[op].set, TAKES[op], isDump);
}

function execute(state: CommandState, request: FakeRequest): Bytes[] {
  if (request.type === GENL_ID_CTRL) return [getFamily(state, request)];
  const op = opOf(state, request);
  parse(state, request, op, false);
  const attrs = run(op, state, request);
  return attrs === undefined ? [] : [encodeReply(request, op, 0, attrs)];
}

function encodeReply(
  { seq }: FakeRequest,
  op: OpName,
  flags: number,
  attrs: object,
): Bytes {
  const { cmd, set }: { cmd: number; set: AttrSet } = OPS[op];
  const header = { type: FAMILY, flags, seq, pid: PORT_ID };
  return encodeGenlMessage(
    { ...header, cmd, version: MPTCP_PM_VER },
    set,
    attrs,
  )
    .slice();
}

/** Does a command, and returns the attributes of the reply, if there is one. */
function run(
  op: OpName,
  state: CommandState,
  request: FakeRequest,
): object | void {
  const { table } = state;
  switch (op) {
    case "add-addr":
      return table.addAddr(request);
    case "del-addr":
      return table.delAddr(request);
    case "get-addr":
      return { addr: addressAttrs(getAddr(state, request)) };
    case "flush-addrs":
      return table.flushAddrs();
    case "set-limits":
      return table.setLimits(request);
    case "get-limits": {
      const { addAddrAccepted, subflows } = table.limits;
      return { rcvAddAddrs: addAddrAccepted, subflows };
    }
    case "set-flags":
      if (request.attrs["token"] === undefined) return table.setFlags(request);
      // The address is looked at before the connection.
      parseEntry(request, request.need("addr"), false);
      return connectionOf(state, request, "addrRemote").setFlags(request);
    case "announce":
      return connectionOf(state, request, "addr").announce(request);
    case "remove":
      return connectionOf(state, request, "locId").remove(request);
    case "subflow-create":
      return connectionOf(state, request, "addr", "addrRemote")
        .subflowCreate(request);
    case "subflow-destroy":
      return connectionOf(state, request, "addr", "addrRemote")
        .subflowDestroy(request);
  }
}

function getAddr(
  { table, connections }: CommandState,
  request: FakeRequest,
): Address {
  const nest = request.need("addr");
  const { id } = parseEntry(request, nest, false);
  const { token } = request.attrs;
  const addresses = token === undefined
    ? table.dump()
    : connections.get(request.number(token))?.dump();
  return addresses?.find((address) => address.id === id) ??
    request.invalid("address not found", nest);
}

/**
 * The connection that a command is for (`mptcp_userspace_pm_get_sock()`).
 *
 * @param needs Attributes that must be there; the kernel looks for them first.
 */
function connectionOf(
  { connections }: CommandState,
  request: FakeRequest,
  ...needs: string[]
): KernelConnection {
  for (const key of needs) request.need(key);
  const token = request.need("token");
  const connection = connections.get(request.number(token)) ??
    request.invalid("invalid token", token);
  if (connection.pathManager !== "userspace") {
    request.invalid("userspace PM not selected", token);
  }
  return connection;
}

function dump(
  state: CommandState,
  request: FakeRequest,
  isDumping: boolean,
): Bytes[] {
  const op = opOf(state, request);
  if (op !== "get-addr") throw new Refusal(EOPNOTSUPP);
  if (isDumping) throw new Refusal(EBUSY);
  parse(state, request, op, true);
  let addresses: readonly Address[] = [];
  let errno = 0;
  try {
    const { token } = request.attrs;
    addresses = (token ? connectionOf(state, request) : state.table).dump();
  } catch (error) {
    // The dump has begun: its end says so.
    if (!(error instanceof Refusal)) throw error;
    ({ errno } = error);
  }
  const replies = addresses.flatMap((address) => [
    ...encodeReply(request, op, NLM_F_MULTI, { addr: addressAttrs(address) }),
  ]);
  const end = encodeDone(request, errno);
  return replies.length === 0 ? [end] : [Uint8Array.from(replies), end];
}

/** `ctrl_getfamily()` */
function getFamily(state: CommandState, request: FakeRequest): Bytes {
  if (request.bytes[NLMSG_HDRLEN] !== CTRL_CMD_GETFAMILY) {
    throw new Refusal(EOPNOTSUPP);
  }
  request.parse(ATTRS_START, CTRL_ATTR, ["name"], false);
  const { at, end } = request.need("name");
  const name = new TextDecoder().decode(request.bytes.subarray(at, end));
  if (!state.hasFamily || name.slice(4) !== `${MPTCP_PM_NAME}\0`) {
    throw new Refusal(ENOENT);
  }
  const { seq } = request;
  const header = { type: GENL_ID_CTRL, flags: 0, seq, pid: PORT_ID };
  const [ops, groups] = [6, 7].map((type) => CTRL_ATTR.attrs[type]!.nested!);
  const reply = {
    ...{ name: MPTCP_PM_NAME, id: FAMILY, version: MPTCP_PM_VER },
    ...{ hdrsize: 0, maxattr: 0 },
    ops: unflagged(
      Object.values(OPS).map(({ name, cmd, admin }) => {
        const flags = GENL_CMD_CAP_DO | GENL_CMD_CAP_HASPOL |
          (admin ? GENL_UNS_ADMIN_PERM : 0) |
          (name === "get-addr" ? GENL_CMD_CAP_DUMP : 0);
        return encodeAttrs(ops!, { id: cmd, flags });
      }),
    ),
    mcastGroups: unflagged(
      [MPTCP_PM_CMD_GRP_NAME, MPTCP_PM_EV_GRP_NAME].map((name, index) =>
        encodeAttrs(groups!, { id: EVENTS_GROUP - 1 + index, name })
      ),
    ),
  };
  return encodeGenlMessage(
    { ...header, cmd: CTRL_CMD_NEWFAMILY, version: 2 },
    FAMILY_REPLY,
    reply,
  ).slice();
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
