/** What connections carry, between readings that are made up. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ackedBytes, RateMeter } from "../../diag/mod.ts";
import type { Connection } from "../../diag/mod.ts";
import { generator } from "../helpers/random.ts";
import { connection, subflow } from "../helpers/readings.ts";

Deno.test("`RateMeter` tells rates from the second reading on, and once what has ended", () => {
  const meter = new RateMeter();
  const [a, b] = [
    subflow(1, { bytesAcked: 1000, bytesSent: 9000, bytesReceived: 500 }),
    subflow(2, { bytesAcked: 5000, bytesReceived: 0 }),
  ];
  const first = connection(9, a, b);
  assertEquals(meter.update([first], 50), [
    { connection: first, subflows: [{ subflow: a }, { subflow: b }] },
  ]);

  const later = { ...a, bytesAcked: 2000, bytesSent: 99_000 };
  // The SYN of this host is no data.
  const young = subflow(3, { bytesAcked: 251, bytesReceived: 125 });
  const second = connection(9, later, young);
  const other = connection(8, subflow(4, { bytesAcked: 1e9 }));
  assertEquals(meter.update([second, other], 550), [{
    connection: second,
    sentBitPerSec: 20_000,
    receivedBitPerSec: 2000,
    subflows: [
      { subflow: later, sentBitPerSec: 16_000, receivedBitPerSec: 0 },
      { subflow: young, sentBitPerSec: 4000, receivedBitPerSec: 2000 },
      { subflow: b, ended: true },
    ],
  }, { connection: other, subflows: [{ subflow: other.subflows[0]! }] }]);

  const [still, ended] = meter.update([other], 1550);
  assertEquals(still!.subflows[0]!.sentBitPerSec, 0);
  assertEquals(ended, {
    connection: second,
    ended: true,
    subflows: [{ subflow: later, ended: true }, {
      subflow: young,
      ended: true,
    }],
  });
  assertEquals(meter.update([other], 2550).length, 1);
});

Deno.test("`RateMeter` tells no rate between two readings of one time", () => {
  const meter = new RateMeter();
  meter.update([connection(1, subflow(2))], 1000);
  const again = meter.update(
    [connection(1, subflow(2, { bytesAcked: 9e9 }))],
    1000,
  );
  assertEquals("sentBitPerSec" in again[0]!, false);
  assertEquals("sentBitPerSec" in again[0]!.subflows[0]!, false);
});

Deno.test("`ackedBytes()` counts no SYN as data", () => {
  const rows: [
    bytesAcked: number | undefined,
    here: boolean,
    bytes?: number,
  ][] = [[undefined, true], [0, true, 0], [1, true, 0], [8, true, 7], [
    8,
    false,
    8,
  ]];
  for (const [bytesAcked, openedHere, bytes] of rows) {
    const acked = ackedBytes({
      openedHere,
      ...bytesAcked !== undefined && { bytesAcked },
    });
    assertEquals(acked, bytes);
  }
});

Deno.test("`RateMeter` takes no subflow for a new one that could not be seen before", () => {
  const meter = new RateMeter();
  const [a, b] = [
    subflow(1, { bytesAcked: 1000 }),
    subflow(2, { bytesAcked: 1e9, bytesReceived: 7 }),
  ];
  const read = (...readings: Connection[]) =>
    readings.map((reading, second) =>
      meter.update([reading], second * 1000)[0]!
    );
  const rates = read(
    connection(9, a, b),
    { ...connection(9, a), partial: true },
    connection(9, { ...a, bytesAcked: 1001 }, b),
    // What counts backwards is another one.
    connection(9, { ...a, bytesAcked: 1002 }, subflow(2, { bytesAcked: 5 })),
  );
  assertEquals(
    rates.map(({ sentBitPerSec, subflows }) => [
      sentBitPerSec,
      ...subflows.map((one) => one.ended ?? one.sentBitPerSec),
    ]),
    [[undefined, undefined, undefined], [0, 0, true], [8, 8, undefined], [
      8,
      8,
      undefined,
    ]],
  );
});

Deno.test("the rates of `RateMeter` add up to the bytes", () => {
  const random = generator(10);
  for (let round = 0; round < 50; round++) {
    const meter = new RateMeter();
    const acked = [0, 0, 0].map(() => random(1e9));
    const begin = [...acked];
    const read = () =>
      connection(
        7,
        ...acked.map((bytesAcked, index) => subflow(index, { bytesAcked })),
      );
    let nowMs = random(1e6);
    meter.update([read()], nowMs);
    const carried = [0, 0, 0];
    for (let step = 0; step < 20; step++) {
      const ms = 1 + random(5000);
      nowMs += ms;
      acked.forEach((_, index) => acked[index]! += random(1e7));
      const [rate] = meter.update([read()], nowMs);
      for (const [index, { sentBitPerSec }] of rate!.subflows.entries()) {
        assert(sentBitPerSec !== undefined && sentBitPerSec >= 0);
        carried[index]! += sentBitPerSec * ms / 8000;
      }
    }
    for (const [index, bytes] of carried.entries()) {
      assertAlmostEquals(bytes, acked[index]! - begin[index]!, 1e-3);
    }
  }
});
