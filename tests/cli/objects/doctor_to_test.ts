/** What `mptcp doctor to` prints, and which places it takes. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { preload } from "../../../mod.ts";
import type { FakeKernel } from "../../../testing/fake_kernel.ts";
import { FakeInterfaces } from "../../../testing/fake_route.ts";
import type { FakeDial } from "../../../testing/fake_stream.ts";
import { kernelWithFiles } from "../../helpers/golden_proc.ts";
import { type Ran, run } from "../../helpers/run_main.ts";

// Within a test the sanitizer would take that for a leak.
preload();

const PEER = "192.0.2.7";

/** A host with two uplinks, and the places that it connects to. */
function host(): { kernel: FakeKernel; dials: FakeDial[] } {
  const kernel = kernelWithFiles();
  const { addresses, routes } = kernel.interfaces = new FakeInterfaces();
  for (const [at, dev] of ["eth0", "eth1"].entries()) {
    addresses.push({ address: `10.0.${at}.1`, dev });
    routes.push({ to: "default", via: `10.0.${at}.254`, dev, metric: at });
  }
  kernel.hosts.set("example.org", [PEER]);
  const dials: FakeDial[] = [];
  kernel.network.dial = (dial) => void dials.push(dial);
  return { kernel, dials };
}

function ask(line: string, kernel: FakeKernel): Promise<Ran> {
  return run(line, kernel, new AbortController().signal);
}

/** What is printed up to the second finding, and its figures left out. */
function head(out: string): string {
  const [, first] = out.split(/^(?=problem|warning|unknown|ok)/m);
  return first!.replaceAll(/, [\d.]+ ms/g, ", N ms");
}

Deno.test("`doctor to` begins with what became of it, on each way", async () => {
  const { kernel } = host();
  const { code, out, err } = await ask("doctor to example.org:443", kernel);
  assertEquals([code, err], [3, ""]);
  assertEquals(
    head(`\n${out}`),
    `\
ok       target: example.org (192.0.2.7) port 443 speaks MPTCP, and its options
           get through: 1 subflow
           10.0.0.1  eth0  MPTCP, N ms
           10.0.1.1  eth1  MPTCP, N ms
`,
  );
  // The findings are about this connection, and the target is none of them.
  assertStringIncludes(out, "  mptcp endpoint add 10.0.1.1 dev eth1 subflow\n");
  assertEquals(out.match(/\btarget\b/g)?.length, 1);
  assertMatch(out, /^20 checks in .* s, 1 problem, /m);
});

Deno.test("`doctor to` says where nothing answers, and ends with 3", async () => {
  const { kernel } = host();
  kernel.hosts.set("example.org", ["2001:db8::7", PEER]);
  kernel.network.dial = ({ to }) => to.address === PEER ? 111 : 101;
  const { code, out } = await ask("doctor to example.org port 81", kernel);
  assertEquals(code, 3);
  assertEquals(
    head(`\n${out}`),
    `\
problem  target: example.org (192.0.2.7) port 81 refuses connections: no program
           listens there, or a firewall says so
           fd00::1         to 2001:db8::7  no route (ENETUNREACH), N ms
           10.0.0.1  eth0  to 192.0.2.7    refused (ECONNREFUSED), N ms
           10.0.1.1  eth1  to 192.0.2.7    refused (ECONNREFUSED), N ms
`,
  );
  const json = await ask("-j doctor to example.org:81", kernel);
  const { healthy, target } = JSON.parse(json.out);
  assertEquals([json.code, healthy], [3, false]);
  assertEquals(target.attempts.length, 3);
  const nobody = await ask("doctor to nobody.example:80", kernel);
  assertMatch(
    nobody.out,
    /^problem {2}target: Cannot look up "nobody\.example"/,
  );
});

Deno.test("`doctor to` takes names and addresses, each with its port", async () => {
  const places: [words: string, address: string, port: number][] = [
    ["example.org:443", PEER, 443],
    ["example.org port 443", PEER, 443],
    ["192.0.2.7:80", PEER, 80],
    ["192.0.2.7 port 0x50", PEER, 80],
    ["[2001:db8::1]:8443", "2001:db8::1", 8443],
    ["[2001:db8::1] port 1", "2001:db8::1", 1],
    ["2001:DB8::1 port 65535", "2001:db8::1", 65535],
  ];
  for (const [words, address, port] of places) {
    const { kernel, dials } = host();
    const { err } = await ask(`doctor to ${words} --ignore endpoints`, kernel);
    assertEquals([words, err], [words, ""]);
    const [{ to, isMptcp }] = dials as [FakeDial];
    assertEquals([words, to, isMptcp], [words, { address, port }, true]);
  }
});

Deno.test("`doctor to` says what is wrong with a place, and what is right", async () => {
  const rows: [words: string, message: string, hint?: string][] = [
    [
      "to example.org",
      'The port of "example.org" is missing',
      "write to example.org:443, or to example.org port 443",
    ],
    [
      "to 2001:db8::1",
      'The port of "2001:db8::1" is missing',
      "write to [2001:db8::1]:443, or to 2001:db8::1 port 443",
    ],
    [
      "to 2001:db8::1:8443",
      'The port of "2001:db8::1:8443" is missing',
      "write to [2001:db8::1]:8443, or to 2001:db8::1:8443 port 443",
    ],
    [
      "to https://example.org/index.html",
      'Invalid place "https://example.org/index.html": it is a host and a port',
      "write example.org:443",
    ],
    ["to :443", 'Invalid place ":443": the host is missing'],
    [
      "to example.org:https",
      'Invalid port "https": a whole number is needed, decimal or 0x…',
    ],
    ["to a:0", "Invalid port 0: it is an integer from 1 to 65535"],
    ["to a port 65536", "Invalid port 65536: it is an integer from 1 to 65535"],
    ["to a:1 port 2", '"port" is given twice'],
    ["to a:1 to b:2", '"to" is given twice'],
    ["port 2", '"port" stands behind the host: to HOST port N'],
    ["to a:1 token 0x5", '"to" and "token" do not go together'],
    ["to a:1 --from -", '"to" and "--from" do not go together'],
  ];
  for (const [words, message, hint] of rows) {
    const { kernel, dials } = host();
    const { code, out, err } = await ask(`doctor ${words}`, kernel);
    assertEquals([words, code, out, dials], [words, 255, "", []]);
    const [said, next] = err.split("\n");
    assertEquals(said, `mptcp: ${message}`);
    if (hint !== undefined) assertEquals(next, `hint: ${hint}`);
  }
});

Deno.test("`doctor to` fits into narrow screens, and can be read from a report", async () => {
  const { kernel } = host();
  const { collect, snapshotJson } = await import("../../../doctor/mod.ts");
  kernel.network.dial = ({ source, isMptcp }) =>
    source === undefined || !isMptcp ? undefined : 110;
  const snapshot = await collect({
    namespace: kernel,
    target: { host: PEER, port: 443 },
  });
  const { report } = await import("../../../cli/objects/doctor_output.ts");
  const { diagnose } = await import("../../../doctor/mod.ts");
  const { text } = report(diagnose(snapshot), snapshot, true, [], {
    screen: { columns: 40, color: false },
    netns: undefined,
  });
  for (const line of text.split("\n").filter((one) => !/mptcp /.test(one))) {
    assert(line.length <= 40, line);
  }
  assertStringIncludes(
    text,
    `
           10.0.1.1  eth1
             TCP only, with MPTCP no
`,
  );
  const { signal } = new AbortController();
  const file = snapshotJson(snapshot);
  const read = await run("doctor --from -", kernel, signal, file);
  assertStringIncludes(read.out, "  10.0.1.1  eth1  TCP only, with MPTCP no ");
});
