/**
 * For tests of programs that use `@mptcp/pm`: a path manager is tested without
 * root on any system, and tried on a real kernel.
 *
 * {@linkcode FakeKernel} is `mptcp_pm` in memory. It answers commands as Linux
 * does, and sends the events that they and connections cause.
 *
 * @example Test a path manager without root
 * ```ts
 * import { type EventStream, PathManager } from "@mptcp/pm";
 * import { FakeKernel, until } from "@mptcp/pm/testing";
 *
 * // What is to be tested.
 * async function announceAll(pm: PathManager, events: EventStream) {
 *   for await (const event of events) {
 *     if (event.type !== "established") continue;
 *     pm.announce({ token: event.token, address: "10.0.2.1", id: 1 });
 *   }
 * }
 *
 * Deno.test("the second address is announced on each new connection", async () => {
 *   const kernel = new FakeKernel();
 *   using pm = PathManager.open({ namespace: kernel });
 *   const stop = new AbortController();
 *   const running = announceAll(pm, pm.events({ signal: stop.signal }));
 *
 *   const connection = kernel.connect(5, { serverSide: true });
 *   const known = () => connection.addresses()[0];
 *   const { address } = await until(known, "an announcement");
 *   if (address !== "10.0.2.1") throw new Error(`announced ${address}`);
 *
 *   stop.abort();
 *   await running;
 * });
 * ```
 *
 * {@linkcode simulate} runs a policy in random worlds.
 *
 * {@linkcode Lab} is two hosts with any number of paths between them, in network
 * namespaces of the running kernel. It needs root, and `ip`.
 *
 * @example Try it on a real connection
 * ```ts
 * import { PathManager } from "@mptcp/pm";
 * import { Lab, until } from "@mptcp/pm/testing";
 *
 * using lab = Lab.open({ paths: 2 });
 * using client = PathManager.open({ netns: lab.client.netns });
 * using server = PathManager.open({ netns: lab.server.netns });
 * client.setLimits({ subflows: 1, addAddrAccepted: 1 });
 * server.addAddr({ address: lab.server.address(2), flags: ["signal"] });
 *
 * using connection = lab.connect();
 * await connection.transferAsync(1_000_000);
 * await until(() => lab.client.subflows().length === 2, "the second subflow");
 * lab.cut(1);
 * await connection.transferAsync(1_000_000);
 * ```
 *
 * @module
 */

export type {
  FakeConnection,
  FakeConnectOptions,
  FakeRoute,
  FakeSubflow,
  FakeSubflowOptions,
} from "./fake_connection.ts";
export { FakeClock } from "./fake_clock.ts";
export type { FakeEventFields, FakeEventType } from "./fake_event.ts";
export { FakeKernel, type FakeNetwork } from "./fake_kernel.ts";
export {
  type Answer,
  type Delivery,
  type Distortion,
  FakeNamespace,
  FakeSubscription,
  FakeTransport,
} from "./fake_namespace.ts";
export {
  type FakeInterfaceAddress,
  FakeInterfaces,
  type FakeLink,
  type FakeNeighbour,
  type FakeRouteEntry,
} from "./fake_route.ts";
export type {
  FakeConnectionFigures,
  FakeSocket,
  FakeSocketFigures,
  FakeSubflowFigures,
} from "./fake_socket.ts";
export type { FakeAnswer, FakeDial } from "./fake_stream.ts";
export type { FakeSockDiag } from "./fake_sock_diag.ts";
export { Host, type Subflow } from "./host.ts";
export {
  type ConnectOptions,
  Lab,
  LabConnection,
  type LabOptions,
  until,
} from "./lab.ts";
export {
  MptcpSocket,
  type SocketAddress,
  type SocketSubflow,
} from "./mptcp_socket.ts";
export {
  simulate,
  type SimulatedWorld,
  type SimulateOptions,
} from "./simulate.ts";
export type { SocketOptions } from "./fake_netlink.ts";
