/**
 * One host of the {@linkcode Lab}: a network namespace, and the tools that
 * look into it.
 *
 * @module
 */

/** Runs a program, and returns what it prints. */
export function run(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = new Deno.Command(command, {
    args,
    stdin: "null",
  }).outputSync();
  const text = new TextDecoder();
  if (code === 0) return text.decode(stdout);
  throw new Error(
    `${[command, ...args].join(" ")}: exit code ${code}: ` +
      (text.decode(stderr) || text.decode(stdout)).trim(),
  );
}

/** A TCP subflow, as `ss` shows it. */
export interface Subflow {
  /** Address, device and port: `"10.77.2.1%client2:43210"`. */
  readonly local: string;
  /** Address and port of the other end. */
  readonly remote: string;
  /** Bytes that the other end acknowledged. */
  readonly bytesAcked: number;
  /** Bytes that the other end sent. */
  readonly bytesReceived: number;
  /** Letters of `subflow-flags`, such as `"Jjec"`; `""`: no MPTCP. */
  readonly flags: string;
  /** The connection's token on this host. */
  readonly token: number;
}

/** A network namespace with a device for each path to the other host. */
export class Host {
  /** Name of the namespace, for `ip -n`. */
  readonly netns: string;
  readonly #role: "client" | "server";
  readonly #number: number;

  constructor(netns: string, role: "client" | "server") {
    this.netns = netns;
    this.#role = role;
    this.#number = role === "client" ? 1 : 2;
  }

  /** Name of the device on a path, counted from 1. */
  dev(path: number): string {
    return `${this.#role}${path}`;
  }

  /** IPv4 address on a path. */
  address(path: number): string {
    return `10.77.${path}.${this.#number}`;
  }

  /** IPv6 address on a path. */
  address6(path: number): string {
    return `fd77:${path}::${this.#number}`;
  }

  /** Runs `ip` here, and returns what it prints. */
  ip(...args: string[]): string {
    return run("ip", "-n", this.netns, ...args);
  }

  /** Runs a program here, and returns what it prints. */
  exec(...command: string[]): string {
    return run("ip", "netns", "exec", this.netns, ...command);
  }

  /** Reads a sysctl, or sets it if a value is given. */
  sysctl(name: string, value?: string | number): string {
    const args = value === undefined
      ? ["-n", name]
      : ["-w", `${name}=${value}`];
    return this.exec("sysctl", ...args).trim();
  }

  /** A counter of `nstat`, such as `"MPTcpExtAddAddr"`. */
  counter(name: string): number {
    const { kernel } = JSON.parse(this.exec("nstat", "-aszj", name));
    return kernel[name];
  }

  /** The endpoints, as `ip -j mptcp endpoint` prints them. */
  endpoints(): Record<string, unknown>[] {
    return JSON.parse(this.ip("-j", "mptcp", "endpoint"));
  }

  /** The established TCP sockets, as `ss` shows them. */
  subflows(): Subflow[] {
    return this.exec("ss", "-tniHO", "state", "established").split("\n")
      .filter((line) => line !== "").map(subflowOf);
  }
}

function subflowOf(line: string): Subflow {
  const [, , local, remote] = line.split(/\s+/);
  const field = (pattern: RegExp) => line.match(pattern)?.[1];
  return {
    local: local!,
    remote: remote!,
    bytesAcked: Number(field(/ bytes_acked:(\d+)/) ?? 0),
    bytesReceived: Number(field(/ bytes_received:(\d+)/) ?? 0),
    flags: field(/ tcp-ulp-mptcp flags:(\w+)/) ?? "",
    token: parseInt(
      field(/ token:[0-9a-f]+\(id:\d+\)\/([0-9a-f]+)/) ?? "0",
      16,
    ),
  };
}
