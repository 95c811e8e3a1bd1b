/**
 * The questions of `NETLINK_SOCK_DIAG`: MPTCP sockets, and the TCP sockets that
 * are their subflows.
 *
 * @module
 */

import { decodeAttrs } from "../codec/attrs.ts";
import {
  INET_DIAG,
  INET_DIAG_MSG,
  type InetDiagReqAttrs,
  type InetDiagReqV2,
  MESSAGES,
} from "../codec/sock_diag.gen.ts";
import type { Question } from "../netlink/questions.ts";
import { Socket } from "./socket.ts";

/** Protocol of `socket()`. */
export const IPPROTO_MPTCP = 262 as const;
/** Protocol of `socket()`. */
export const IPPROTO_TCP = 6 as const;
/** Asks for `INET_DIAG_INFO`, with which comes `INET_DIAG_ULP_INFO`. */
export const EXT_INFO: number = 1 << (2 - 1);

const ENOENT = 2;

/** Stands for a socket that was not asked for. */
export const OTHER: { readonly isOther: true } = { isOther: true };

const BY_FAMILY = {
  name: "sock-diag-by-family",
  request: MESSAGES["sock-diag-by-family"],
  answer: MESSAGES["inet-diag-msg"].type,
};

/** A question for sockets: each answer is valid until the next one. */
export type SocketQuestion = Question<
  InetDiagReqV2,
  InetDiagReqAttrs,
  Socket | typeof OTHER
>;

/** MPTCP sockets that have a token. */
export function mptcpSockets(): SocketQuestion {
  const socket = new Socket();
  return {
    action: "list MPTCP connections",
    ...BY_FAMILY,
    decode(payload) {
      socket.read(payload);
      return socket.ownToken === 0 ? OTHER : socket;
    },
    hint: (errno) =>
      errno === ENOENT
        ? "the kernel cannot list MPTCP sockets: it is older than 5.9, or was " +
          "built without CONFIG_INET_MPTCP_DIAG, or the module mptcp_diag is " +
          "not there"
        : undefined,
  };
}

/** TCP sockets under MPTCP. */
export function subflowSockets(): SocketQuestion {
  const socket = new Socket();
  return {
    action: "list subflows",
    ...BY_FAMILY,
    decode(payload) {
      socket.read(payload);
      return socket.isSubflow ? socket : OTHER;
    },
  };
}

/** TCP sockets that have nothing of MPTCP. */
export function plainSockets(): SocketQuestion {
  const socket = new Socket();
  return {
    action: "list TCP connections",
    ...BY_FAMILY,
    decode(payload) {
      socket.read(payload);
      return socket.isSubflow ? OTHER : socket;
    },
  };
}

/** TCP sockets, whatever they have to do with MPTCP. */
export function anySockets(): Question<
  InetDiagReqV2,
  InetDiagReqAttrs,
  Socket
> {
  const socket = new Socket();
  return {
    action: "list TCP sockets",
    ...BY_FAMILY,
    decode(payload) {
      socket.read(payload);
      return socket;
    },
  };
}

/** TCP sockets that listen for MPTCP. */
export function listeningSockets(): SocketQuestion {
  const socket = new Socket();
  return {
    action: "list MPTCP listeners",
    ...BY_FAMILY,
    decode(payload) {
      // A listener has the name alone, which few have.
      const { ulpInfo } = decodeAttrs(
        ...[INET_DIAG, payload, INET_DIAG_MSG.length] as const,
      );
      socket.read(payload);
      return ulpInfo?.name === "mptcp" ? socket : OTHER;
    },
  };
}
