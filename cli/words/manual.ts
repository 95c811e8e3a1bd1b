/**
 * What the help, the manual page and docs/commands.md say beside what is in the
 * tables of objects, commands and options.
 *
 * @module
 */

import { EXIT } from "../exit.ts";
import type { Candidate } from "./grammar.ts";

/** When this version was released. */
export const RELEASED = "2026-11-29";

/** What the program does, in paragraphs. */
export const DESCRIPTION: readonly string[] = [
  "Multipath TCP (RFC 8684) carries one connection over several paths. The " +
  "kernel decides over which: its in-kernel path manager goes by endpoints " +
  "and limits, which are the same for all connections; its userspace path " +
  "manager leaves each connection to a program. mptcp sets up the one, and is " +
  "the other. It shows what there is, says why a path is missing, and keeps a " +
  "host what a file says.",
  "Without an object it shows how this host is set. What ip mptcp takes is " +
  "taken, as short, and text and JSON are what it prints.",
  "Most of what only reads needs no privilege. Changes need CAP_NET_ADMIN, " +
  "another network namespace CAP_SYS_ADMIN.",
];

/** The exit codes, and what each means. */
export const EXIT_STATUS: readonly (readonly [number, string])[] = [
  [EXIT.done, "done"],
  [EXIT.unreachable, "cannot talk to mptcp_pm or use a file"],
  [EXIT.refused, "refused"],
  [EXIT.problem, "a problem was found"],
  [EXIT.timedOut, "timed out"],
  [EXIT.toDo, "there is something to do"],
  [EXIT.usage, "usage"],
];

/** The variables that change what the program does. */
export const ENVIRONMENT: readonly Candidate[] = [
  ["NO_COLOR", "if it is not empty, a terminal shows no colours"],
  ["TERM", "if it is dumb, output is as if there were no terminal"],
  ["NOTIFY_SOCKET", "where watch tells systemd how it is"],
  ["WATCHDOG_USEC", "how often watch has to tell it, in microseconds"],
];

/** The files that the program reads by itself. */
export const FILES: readonly Candidate[] = [
  ["/run/netns/NAME", "the network namespace that -n NAME chooses"],
  ["/proc/PID/ns/net", "the one that -n PID chooses, if none has that name"],
  ["/proc/sys/net/mptcp/", "the settings that status, doctor and plan read"],
];

/** Lines to begin with, and what each does. */
export const EXAMPLES: readonly Candidate[] = [
  ["mptcp", "Show how this host is set."],
  [
    "mptcp endpoint add 10.0.2.1 dev eth1 subflow",
    "Open a second path from this address, for each new connection.",
  ],
  [
    "mptcp connection to 192.0.2.7 port 443",
    "Show the connections to a server, and the paths that they use.",
  ],
  ["mptcp doctor", "Say why there is no second path, and what mends it."],
  [
    "mptcp -n blue top interval 5",
    "Show what connections carry in another network namespace.",
  ],
  [
    "mptcp apply --confirm 60s mptcp.yaml",
    "Make this host what a file says; go back unless Enter is pressed.",
  ],
  [
    "mptcp -j monitor event SF_CLOSED",
    "Write one line of JSON for each subflow that closes.",
  ],
];

/** Where to read on. */
export const SEE_ALSO: readonly string[] = [
  ...["ip-mptcp(8)", "ip-netns(8)", "mptcpd(8)", "mptcpize(8)", "ss(8)"],
  "https://www.mptcp.dev/",
];
