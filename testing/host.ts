/**
 * One host of the {@linkcode Lab}: a network namespace, and the tools that
 * look into it.
 *
 * @module
 */

/**
 * Runs a program, and returns what it prints.
 *
 * @throws {Deno.errors.NotFound} There is no such program.
 * @throws {Error} It fails.
 */
export function run(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = start(command, args);
  const text = new TextDecoder();
  if (code === 0) return text.decode(stdout);
  throw new Error(
    `${[command, ...args].join(" ")}: exit code ${code}: ` +
      (text.decode(stderr) || text.decode(stdout)).trim(),
  );
}

/**
 * Runs several command lines of `ip`, in one process.
 *
 * @throws {Error} One fails; those before it are done.
 */
export function runIp(
  netns: string,
  commands: readonly (readonly string[])[],
): void {
  const lines = commands.map((words) => `${words.join(" ")}\n`).join("");
  run("sh", "-c", 'printf %s "$1" | ip -n "$0" -batch -', netns, lines);
}

function start(command: string, args: string[]): Deno.CommandOutput {
  try {
    return new Deno.Command(command, { args, stdin: "null" }).outputSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const message = `Cannot run ${command}: there is no such program here`;
    throw new Deno.errors.NotFound(message, { cause: error });
  }
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
  /** Flags in the letters of `ss`, such as `"Jjec"`; `""`: no MPTCP. */
  readonly flags: string;
  /** The connection's token on this host. */
  readonly token: number;
}

/**
 * One host of a {@linkcode Lab}: a network namespace with a device for each path
 * to the other host. Its methods run `ip` and other programs.
 *
 * @example Look into a host
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { Lab } from "@mptcp/pm/testing";
 *
 * using lab = Lab.open({ paths: 2 });
 * using pm = PathManager.open({ netns: lab.client.netns });
 * pm.addAddr({ address: lab.client.address(2), dev: lab.client.dev(2) });
 * console.log(lab.client.endpoints(), lab.client.counter("MPTcpExtAddAddr"));
 * ```
 */
export class Host {
  /** Name of the namespace, for `PathManager.open()` and `ip -n`. */
  readonly netns: string;
  readonly #role: "client" | "server";
  readonly #number: number;

  /**
   * Describes a host; {@linkcode Lab.open} makes it.
   *
   * @param netns Name of the namespace.
   * @param role Which of the two it is.
   */
  constructor(netns: string, role: "client" | "server") {
    this.netns = netns;
    this.#role = role;
    this.#number = role === "client" ? 1 : 2;
  }

  /**
   * Name of the device on a path.
   *
   * @param path The path, counted from 1.
   */
  dev(path: number): string {
    return `${this.#role}${path}`;
  }

  /**
   * IPv4 address on a path.
   *
   * @param path The path, counted from 1.
   */
  address(path: number): string {
    return `10.77.${path}.${this.#number}`;
  }

  /**
   * IPv6 address on a path.
   *
   * @param path The path, counted from 1.
   */
  address6(path: number): string {
    return `fd77:${path}::${this.#number}`;
  }

  /**
   * Runs `ip` here, and returns what it prints.
   *
   * @throws {Error} It fails; the message is what it prints then.
   */
  ip(...args: string[]): string {
    return run("ip", "-n", this.netns, ...args);
  }

  /**
   * Runs a program here, and returns what it prints.
   *
   * @throws {Error} It fails, or there is none.
   */
  exec(...command: string[]): string {
    return run("ip", "netns", "exec", this.netns, ...command);
  }

  /**
   * Reads a sysctl, or sets it.
   *
   * @param name Such as `"net.mptcp.enabled"`.
   * @param value What it is to be; absent: it stays as it is.
   * @throws {Error} There is no such sysctl, or it does not take the value.
   */
  sysctl(name: string, value?: string | number): string {
    const args = value === undefined
      ? ["-n", name]
      : ["-w", `${name}=${value}`];
    return this.exec("sysctl", ...args).trim();
  }

  /**
   * A counter since the host was made, by `nstat`.
   *
   * @param name Such as `"MPTcpExtAddAddr"`.
   */
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
