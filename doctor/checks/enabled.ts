import { part } from "../facts.ts";
import { type Observation, ok, unknown } from "../finding.ts";
import type { Snapshot, SocketTrial } from "../snapshot.ts";

/** Whether programs can open MPTCP sockets. */
export function enabled(snapshot: Snapshot): Observation[] {
  switch (part(snapshot, "settings").enabled) {
    case true:
      if (snapshot.socket?.opened === false) return [refused(snapshot.socket)];
      return [ok("MPTCP is switched on", "net.mptcp.enabled = 1")];
    case false:
      return [{
        status: "problem",
        summary: "MPTCP is switched off: new connections are plain TCP",
        evidence: ["net.mptcp.enabled = 0"],
        remedies: ["sysctl -w net.mptcp.enabled=1"],
      }];
    default:
      return [unknown("net.mptcp.enabled is neither 0 nor 1")];
  }
}

/** It is switched on, and there is no socket nevertheless. */
function refused({ code = "an error" }: SocketTrial): Observation {
  if (code !== "EPERM" && code !== "EACCES") {
    return unknown(`no MPTCP socket can be opened: ${code}`);
  }
  return {
    status: "problem",
    summary: "MPTCP is switched on, but programs like this one may not open " +
      "its sockets: SELinux, seccomp or a program of BPF forbids it",
    evidence: [`socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP): ${code}`],
    remedies: [],
  };
}
