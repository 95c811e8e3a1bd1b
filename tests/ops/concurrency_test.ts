/** Several who use one stream at once. */
import { assertEquals } from "@std/assert";
import { PathManager } from "../../ops/path_manager.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { join } from "../../testing/netlink_bytes.ts";
import { golden } from "../helpers/golden.ts";

const created = golden("event/kpm-v4/client/created").bytes;
const established = golden("event/kpm-v4/client/established").bytes;
const closed = golden("event/kpm-v4-close/client/closed").bytes;
const END = { value: undefined, done: true } as const;

/** Lets everything go on that does not wait for this test. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("`next()` gives events in the order in which it was called", async () => {
  const deliveries = [
    [created, established, closed],
    [join([created, established, closed])],
    [created, join([established, closed])],
  ];
  for (const delivery of deliveries) {
    const kernel = new FakeKernel();
    const pm = PathManager.open({ transport: kernel });
    using stream = pm.events();
    const first = stream.next();
    await turn();
    for (const datagram of delivery) kernel.emit(datagram);
    // Whoever waits has not been woken yet.
    const [second, third] = [stream.next(), stream.next()];
    const types = [];
    for (const next of [first, second, third]) {
      types.push((await next).value?.type);
    }
    assertEquals(types, ["created", "established", "closed"]);
  }
});

Deno.test("two loops over one stream share its events, and both end", async () => {
  const kernel = new FakeKernel();
  const pm = PathManager.open({ transport: kernel });
  const stream = pm.events();
  const seen: string[] = [];
  const loops = Array.from({ length: 2 }, async () => {
    const own: string[] = [];
    // Not `for await`, whose end would end the stream of the other.
    for (;;) {
      const { value, done } = await stream.next();
      if (done) return own.length;
      own.push(value.type);
      seen.push(value.type);
    }
  });
  for (let round = 0; round < 50; round++) {
    kernel.emit(round % 3 === 0 ? join([created, closed]) : created);
    if (round % 2 === 0) kernel.emit(closed);
    await turn();
  }
  const expected = Array.from({ length: 50 }, (_, round) => [
    "created",
    ...round % 3 === 0 ? ["closed"] : [],
    ...round % 2 === 0 ? ["closed"] : [],
  ]).flat();
  assertEquals(seen, expected);
  stream.close();
  const counts = await Promise.all(loops);
  assertEquals(counts[0]! + counts[1]!, expected.length);
  assertEquals(await stream.next(), END);
});
