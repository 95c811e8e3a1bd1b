/**
 * A spare path that is used when it is needed, and not before.
 *
 * @module
 */

import type { Lab, LabConnection } from "../../testing/lab.ts";
import { partOf, PICTURES, type Scenario } from "./part.ts";
import { Arrivals, mbText, msText, pause, Scene } from "./scene.ts";

const POLICY = ["on-demand", "dev", "client2", "health", "5s"];
/** Mbit/s of a path, and of what is sent. */
const [RATE, LOAD] = [5, 4];
/** When packets begin to be lost, when they no longer are, and the end. */
const [LOSSY_S, WELL_S, END_S] = [8, 20, 40];
const PERCENT = 30;

/** What came of it. */
interface Course {
  readonly log: string;
  /** Of what was sent in the bad time, what had arrived at its end. */
  readonly arrived: number;
  readonly longestSilenceMs: number;
  /** What the spare link sent before, meanwhile and in the last 5 s. */
  readonly spare: readonly number[];
}

async function stream(
  policy: readonly string[] | undefined,
  picture?: string,
): Promise<Course> {
  await using scene = await Scene.open({
    ...{ paths: 2, rate: RATE },
    ...policy !== undefined && { policy },
  });
  const { lab } = scene;
  if (policy === undefined) addSpare(lab);
  const connection = scene.connect();
  const recording = picture === undefined
    ? undefined
    : scene.record(connection, END_S, picture);
  const begin = performance.now();
  const arrivals = new Arrivals();
  const until = (second: number) => flow(connection, arrivals, begin, second);
  const spare = [sentBySpare(lab)];
  await until(LOSSY_S);
  spare.push(sentBySpare(lab));
  scene.lose(1, PERCENT);
  const before = arrivals.bytes;
  await until(WELL_S);
  scene.loseNothing();
  const arrived = arrivals.bytes - before;
  spare.push(sentBySpare(lab));
  await until(END_S - 5);
  spare.push(sentBySpare(lab));
  await until(END_S);
  spare.push(sentBySpare(lab));
  await recording;
  const [atStart, atLoss, atEnd, late, last] = spare as [
    ...[number, number, number, number, number],
  ];
  return {
    ...{ log: scene.log, arrived },
    longestSilenceMs: arrivals.longestSilenceMs,
    spare: [atLoss - atStart, atEnd - atLoss, last - late],
  };
}

/** The same by what the kernel has for it. */
export function addSpare({ client }: Lab): void {
  client.ip(
    ...["mptcp", "endpoint", "add", client.address(2)],
    ...["dev", client.dev(2), "subflow", "backup"],
  );
}

/** Sends as much as goes of the load, until so many seconds have gone. */
async function flow(
  connection: LabConnection,
  arrivals: Arrivals,
  begin: number,
  second: number,
): Promise<void> {
  const bytesPerMs = LOAD * 1e6 / 8 / 1000;
  let last = performance.now();
  let due = 0;
  for (let now; (now = performance.now()) < begin + second * 1000;) {
    // What does not go at once is not made up for.
    due = Math.min(due + (now - last) * bytesPerMs, 50 * bytesPerMs);
    last = now;
    due -= connection.client.send(Math.floor(due));
    arrivals.take(connection);
    await pause(4);
  }
}

function sentBySpare({ client }: Lab): number {
  const [link] = JSON.parse(
    client.ip("-s", "-j", "link", "show", "dev", client.dev(2)),
  );
  return link.stats64.tx.bytes;
}

export const onDemand: Scenario = {
  name: "on-demand",
  async run() {
    const file = "on_demand.svg";
    const [ours, alone] = await Promise.all([
      stream(POLICY, new URL(file, PICTURES).pathname),
      stream(undefined),
    ]);
    const sent = LOAD * 1e6 / 8 * (WELL_S - LOSSY_S);
    const cells = ({ arrived, longestSilenceMs, spare }: Course) => [
      `${mbText(arrived)}, ${Math.round(100 * arrived / sent)} %`,
      msText(longestSilenceMs),
      ...spare.map(mbText),
    ];
    const [a, b] = [cells(ours), cells(alone)];
    const words = `manage ${POLICY.join(" ")}`;
    return partOf({
      console: [[words, ours.log]],
      head: ["", `\`${words}\``, "the kernel alone"],
      rows: [
        `arrived in the bad ${WELL_S - LOSSY_S} s of ${mbText(sent)}`,
        "longest time in which nothing came",
        "the spare link carried before",
        "meanwhile",
        "in the last 5 s",
      ].map((name, at) => [name, a[at]!, b[at]!]),
      pictures: [[
        file,
        `The spare path carries everything while the first one loses ${PERCENT} % of its packets`,
      ]],
    });
  },
};
