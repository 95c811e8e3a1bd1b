/**
 * Shows what Multipath TCP does, and how little it takes: two hosts, two paths
 * and one connection, in network namespaces that vanish at the end. It needs
 * root on Linux, and `ip`. All numbers are measured.
 *
 * ```sh
 * sudo deno run -A jsr:@mptcp/pm/demo
 * ```
 *
 * @module
 */

import { PathManager } from "../mod.ts";
import { Lab, type LabConnection, waitFor } from "../testing/lab.ts";

const RATE = 40;
const SIZE = 5_000_000;
const PATHS = [1, 2];
const TIMEOUT_MS = 30_000;

/** Gives Ctrl-C a chance. */
const pause = () => new Promise((resolve) => setTimeout(resolve));

const seconds = (since: number) =>
  `${((performance.now() - since) / 1000).toFixed(2)} s`;

/** Transfers data, and shows what each path carried of it. */
async function transfer(
  lab: Lab,
  connection: LabConnection,
  halfWay: () => void = () => {},
): Promise<void> {
  const received = () =>
    PATHS.map((path) =>
      lab.server.subflows()
        .filter(({ local }) => local.startsWith(lab.server.address(path)))
        .reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
    );
  const before = received();
  const start = performance.now();
  let last = start;
  let silence = 0;
  let isHalfWay = false;
  for (const arrived of connection.transferring(SIZE, TIMEOUT_MS)) {
    silence = Math.max(silence, performance.now() - last);
    if (!isHalfWay && arrived > SIZE / 2) {
      isHalfWay = true;
      halfWay();
    }
    await pause();
    last = performance.now();
  }
  const duration = seconds(start);
  const carried = received().map((bytes, index) =>
    (bytes - before[index]!) / 1e6
  );
  console.log();
  carried.forEach((size, index) => {
    const bar = "█".repeat(Math.round(size * 6));
    console.log(
      `     path ${PATHS[index]}  ${size.toFixed(1)} MB  ${bar}`.trimEnd(),
    );
  });
  const twice = carried.reduce((sum, size) => sum + size) - SIZE / 1e6;
  console.log(
    `     in ${duration}; nothing came for ${silence.toFixed(0)} ms at most` +
      (twice < 0.05 ? "\n" : `; ${twice.toFixed(1)} MB came twice\n`),
  );
}

async function demo(lab: Lab): Promise<void> {
  console.log(`Two hosts, two paths of ${RATE} Mbit/s between them.

     client                      server
     10.77.1.1 ──── path 1 ──── 10.77.1.2
     10.77.2.1 ──── path 2 ──── 10.77.2.2

1. The client may accept an address of the server, and connects:

     client.setLimits({ subflows: 1, addAddrAccepted: 1 });

   ${SIZE / 1e6} MB take path 1:`);
  using client = PathManager.open({ netns: lab.client.netns });
  using server = PathManager.open({ netns: lab.server.netns });
  client.setLimits({ subflows: 1, addAddrAccepted: 1 });
  using connection = lab.connect();
  await transfer(lab, connection);

  console.log(`2. The server offers its address on path 2:

     server.addAddr({ address: "10.77.2.2", flags: ["signal"] });
`);
  const start = performance.now();
  server.addAddr({ address: "10.77.2.2", flags: ["signal"] });
  waitFor(() => lab.client.subflows().length === 2, "the second subflow");
  console.log(
    `   ${seconds(start)} later the connection has a second subflow. ` +
      `${SIZE / 1e6} MB take both:`,
  );
  await transfer(lab, connection);

  console.log(`3. Half way through the next ${SIZE / 1e6} MB path 1 is cut:`);
  await transfer(lab, connection, () => lab.cut(1));
  console.log("The application noticed nothing: it is the same connection.");
}

/** Makes the lab, or ends with one line that says what is missing. */
async function openLab(): Promise<Lab> {
  try {
    return Lab.open({ paths: PATHS.length, rate: RATE });
  } catch (error) {
    // Ctrl-C reaches the programs that the lab runs, too.
    await pause();
    const isRefused = error instanceof Deno.errors.NotCapable;
    const { message } = error as Error;
    console.error(
      isRefused
        ? "demo: run it with deno run -A jsr:@mptcp/pm/demo"
        : `demo: ${message}`,
    );
    Deno.exit(1);
  }
}

if (import.meta.main) {
  using stack = new DisposableStack();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      stack.dispose();
      Deno.exit(code);
    });
  }
  await demo(stack.use(await openLab()));
  stack.dispose();
  // Else it would wait for signals.
  Deno.exit();
}
