import {
  ArgumentRangeError,
  ArgumentTypeError,
} from "../codec/argument_error.ts";
import { connectionToken, tcpPort } from "../codec/arguments.ts";
import { formatIPv4, formatIPv6, parseAddress } from "../codec/inet.ts";
import type { Namespace } from "../netlink/transport.ts";
import { listAddresses } from "./addresses.ts";
import {
  type Connection,
  SOCKET_STATES,
  type SocketEnd,
  type SocketState,
} from "./connection.ts";

/** Which connections to list: those that meet all of what is given. */
export interface ConnectionFilter {
  /** The connection of this token, 1 to 0xffffffff. */
  readonly token?: number;
  /**
   * Those with a subflow from this address, IPv4 or IPv6; `10.0.1.1` is also
   * `::ffff:10.0.1.1`.
   */
  readonly from?: string;
  /** Those with a subflow from this port, 1 to 65535; and from `from`. */
  readonly fromPort?: number;
  /** Those with a subflow to this address. */
  readonly to?: string;
  /** Those with a subflow to this port, 1 to 65535; and to `to`. */
  readonly toPort?: number;
  /** Those with a subflow from or to this port, 1 to 65535. */
  readonly port?: number;
  /**
   * Those with a subflow that is bound to this device, or that is bound to none
   * and from an address of this device.
   */
  readonly dev?: string;
  /** Those that are in this state, or have a subflow that is. */
  readonly state?: SocketState;
  /** Those that fell back to TCP; `false`: the others. */
  readonly fallback?: boolean;
}

type Test = (connection: Connection) => boolean;

/**
 * Makes a test of a filter.
 *
 * @throws {TypeError | RangeError} It has a value that no connection can have.
 */
export function filterOf(
  filter: ConnectionFilter,
  namespace: Namespace,
): Test {
  const { token, from, fromPort, to, toPort, port } = filter;
  const { dev, state, fallback } = filter;
  const tests: Test[] = [];
  if (token !== undefined) {
    const wanted = connectionToken(token);
    tests.push((one) => one.token === wanted);
  }
  if (from !== undefined || fromPort !== undefined) {
    const isFrom = endTest("fromPort", from, fromPort);
    tests.push((one) => pathsOf(one).some(({ local }) => isFrom(local)));
  }
  if (to !== undefined || toPort !== undefined) {
    const isTo = endTest("toPort", to, toPort);
    tests.push((one) => pathsOf(one).some(({ remote }) => isTo(remote)));
  }
  if (port !== undefined) {
    tcpPort("port", port);
    tests.push((one) =>
      pathsOf(one).some(({ local, remote }) =>
        local.port === port || remote.port === port
      )
    );
  }
  if (dev !== undefined) {
    const isOn = deviceTest(namespace, dev);
    tests.push((one) => pathsOf(one).some(isOn));
  }
  if (state !== undefined) {
    if (!SOCKET_STATES.includes(state)) {
      throw new ArgumentTypeError(
        `Unknown state "${state}": known are ` +
          [...new Set(SOCKET_STATES.slice(1))].join(", "),
      );
    }
    tests.push((one) => pathsOf(one).some((path) => path.state === state));
  }
  if (fallback !== undefined) {
    tests.push((one) => one.fallback === fallback);
  }
  return (connection) => tests.every((test) => test(connection));
}

/** The connection itself has the ends of the initial subflow. */
function pathsOf(connection: Connection) {
  return [connection, ...connection.subflows];
}

function deviceTest(
  namespace: Namespace,
  dev: string,
): (path: Pick<Connection, "ifIndex" | "local">) => boolean {
  const index = namespace.ifNameToIndex(dev);
  if (index === undefined) {
    throw new ArgumentRangeError(
      `Unknown device "${dev}": "ip link" lists the devices`,
    );
  }
  // Read once, and only where a subflow is bound to no device.
  let own: ReadonlySet<string> | undefined;
  const addresses = () =>
    new Set(
      listAddresses(namespace).filter(({ ifIndex }) => ifIndex === index)
        .flatMap(({ address }) => textsOf(address)),
    );
  return ({ ifIndex, local }) =>
    ifIndex === 0
      ? (own ??= addresses()).has(local.address)
      : ifIndex === index;
}

function endTest(
  name: string,
  address: string | undefined,
  port: number | undefined,
): (end: SocketEnd) => boolean {
  if (port !== undefined) tcpPort(name, port);
  const texts = address === undefined ? undefined : textsOf(address);
  return (end) =>
    (port === undefined || end.port === port) &&
    (texts === undefined || texts.includes(end.address));
}

/** How a socket shows an address: dual-stack ones hold IPv4 in IPv6. */
function textsOf(address: string): readonly string[] {
  const { bytes } = parseAddress(address);
  if (bytes.length === 4) {
    const text = formatIPv4(bytes);
    return [text, `::ffff:${text}`];
  }
  const text = formatIPv6(bytes);
  return text.startsWith("::ffff:") && text.includes(".")
    ? [text, text.slice("::ffff:".length)]
    : [text];
}
