import { preload } from "../ffi/libc.ts";
import { run } from "./host.ts";
import { socketCalls } from "./mptcp_socket.ts";

const CAP_NET_ADMIN = 12;
const CAP_SYS_ADMIN = 21;

/** The programs that a lab runs, and the packages that they come in. */
const TOOLS = [
  ["ip", "iproute2"],
  ["ss", "iproute2"],
  ["nstat", "iproute2"],
  ["sysctl", "procps"],
] as const;

/** What a lab lacks here: one sentence, or nothing. Opens libc if it is there. */
export function whatIsMissing(): string | undefined {
  if (Deno.build.os !== "linux") return "this is not Linux";
  const status = Deno.readTextFileSync("/proc/self/status");
  const caps = BigInt(`0x${status.match(/^CapEff:\s*(\w+)/m)![1]}`);
  const has = (cap: number) => (caps >> BigInt(cap) & 1n) === 1n;
  if (!has(CAP_NET_ADMIN) || !has(CAP_SYS_ADMIN)) {
    return "making network namespaces needs root";
  }
  try {
    Deno.statSync("/proc/sys/net/mptcp");
  } catch {
    return "this kernel has no Multipath TCP (CONFIG_MPTCP)";
  }
  for (const [tool, home] of TOOLS) {
    try {
      run(tool, "-V");
    } catch (error) {
      const { message } = error as Error;
      const isMissing = error instanceof Deno.errors.NotFound ||
        message.includes("BusyBox");
      if (!isMissing) throw error;
      return `the program ${tool} of ${home} is missing`;
    }
  }
  preload();
  socketCalls();
  return undefined;
}
