/** What the hostile name of a device does to a terminal: nothing. */
import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import { Lab } from "../../testing/lab.ts";
import { launcher, run } from "../helpers/command_line.ts";
import { run as runHere } from "../helpers/run_main.ts";
import { liveTest } from "../helpers/live.ts";

/**
 * Names that the kernel takes from the owner of a network namespace: commands
 * to a terminal, in seven bits and in eight; and how they are shown.
 */
const NAMES: readonly (readonly [name: string, shown: string])[] = [
  ["\x1b[31mred\x07", "\\x1b[31mred\\x07"],
  ["\x1b]0;title\x07", "\\x1b]0;title\\x07"],
  ["\x7fdel\x08", "\\x7fdel\\x08"],
  ["\u009b31m", "\\x9b31m"],
  ["back\\x1b", "back\\x1b"],
  ["été", "été"],
];

/** What a terminal may obey, except the end of a line. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

for (const [name, shown] of NAMES) {
  const device = JSON.stringify(name);

  liveTest(`\`endpoint show\` prints nothing but the name of ${device}`, () => {
    using lab = Lab.open({ paths: 0 });
    const { netns } = lab.client;
    lab.client.ip("link", "add", name, "type", "veth", "peer", "name", "peer");
    lab.client.ip("mptcp", "endpoint", "add", "10.0.0.1", "dev", name);
    const show = [launcher, "-n", netns, "endpoint", "show"];
    assertEquals(run(show).out, `10.0.0.1 id 1 dev ${shown} \n`);
    const json = run([...show, "-j"]).out;
    assertFalse(CONTROL.test(json));
    assertEquals(JSON.parse(json)[0].dev, name);
  });

  Deno.test(`\`monitor\` prints nothing but the name of ${device}`, async () => {
    const text = await monitored("monitor", name);
    assertStringIncludes(text, ` dev=${shown}`);
    assertFalse(CONTROL.test(text));
    const json = await monitored("monitor -j", name);
    assertFalse(CONTROL.test(json));
    assertEquals(JSON.parse(json).dev, name);
  });

  Deno.test(`an error prints nothing but the name of ${device}`, async () => {
    const line = ["endpoint", "add", "10.0.0.1", "dev", name];
    const text = (await runHere(line)).err;
    assertStringIncludes(text, `Unknown device "${shown}"`);
    assertFalse(CONTROL.test(text));
    const json = (await runHere([...line, "-j"])).err;
    assertFalse(CONTROL.test(json));
    assertStringIncludes(JSON.parse(json).error, name);
  });
}

Deno.test("a device whose name is no UTF-8 goes by its index", async () => {
  const name = new TextDecoder().decode(Uint8Array.of(0x61, 0xff));
  const kernel = new FakeKernel();
  kernel.devices.set(name, 7);
  const added = await runHere("endpoint add 10.0.0.1 dev if7", kernel);
  assertFalse(added.err.includes("no device"));
  const { out } = await runHere("endpoint show", kernel);
  assertEquals(out, "10.0.0.1 id 1 dev if7 \n");
  assertEquals((await runHere("endpoint delete dev if7", kernel)).code, 0);
  assertStringIncludes(await monitored("monitor", name), " dev=if7");
});

/** What a command line prints of a subflow on a device. */
async function monitored(line: string, dev: string): Promise<string> {
  const kernel = new FakeKernel();
  kernel.devices.set(dev, 7);
  const stop = new AbortController();
  const subscribe = kernel.subscribe.bind(kernel);
  kernel.subscribe = (protocol, groups) => {
    const subscription = subscribe(protocol, groups);
    kernel.emitEvent("sub-established", { token: 5, dev });
    // Waiting, because all was taken.
    subscription.readable = () => Promise.resolve(stop.abort());
    return subscription;
  };
  return (await runHere(line, kernel, stop.signal)).out;
}
