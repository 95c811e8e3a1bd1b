/** `mptcp watch` in this process: what it prints, and tells a service manager. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../../cli/main.ts";
import { PLAIN } from "../../../cli/style.ts";
import { PathManager, type ServiceNews } from "../../../mod.ts";
import { FakeInterfaces, FakeKernel } from "../../../testing/mod.ts";
import { until } from "../../../testing/lab.ts";
import { ForwardingNamespace } from "../../../netlink/forwarding.ts";
import { run } from "../../helpers/run_main.ts";
import { VirtualTime } from "../../helpers/virtual_time.ts";

const FILE = "/etc/mptcp.yaml";
const TEXT = `
limits: { subflows: 3 }
endpoints:
  - { match: { dev: "eth*" }, flags: [subflow] }
  - { address: 10.0.9.1, dev: wwan0, flags: [subflow, backup] }
`;

function host(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.files.set(FILE, TEXT);
  kernel.interfaces = new FakeInterfaces();
  kernel.interfaces.addresses.push({ address: "10.0.1.1", dev: "eth1" });
  return kernel;
}

/** Runs it until the end, while things happen. */
async function watch(
  words: string,
  happen: (run: {
    readonly kernel: FakeKernel;
    readonly said: (text: string) => Promise<unknown>;
    readonly reload: () => void;
  }) => Promise<void>,
) {
  await using _time = new VirtualTime();
  const kernel = host();
  const controller = new AbortController();
  const news: ServiceNews[] = [];
  const listeners = new Set<() => void>();
  let [out, err] = ["", ""];
  const unreachable = (): never => {
    throw new Error("unreachable");
  };
  const end = main(`watch ${FILE} settle 0.03 ${words}`.trim().split(" "), {
    out: unreachable,
    write(bytes) {
      out += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
    err: (text) => void (err += text),
    open: unreachable,
    namespace: () =>
      Object.assign(new ForwardingNamespace(kernel), { close() {} }),
    lines: unreachable,
    replaceFile: unreachable,
    stop: () => ({
      signal: controller.signal,
      writable: unreachable,
      [Symbol.dispose]() {},
    }),
    confirmation: unreachable,
    service: () => ({
      notify: (one) => void news.push(one),
      watchdogMs: 200,
      onReload(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    }),
    screen: () => PLAIN,
    rerun: unreachable,
  });
  await happen({
    kernel,
    said: (text) => until(() => out.includes(text), `${text} in ${out}`),
    reload: () => listeners.forEach((listener) => listener()),
  });
  controller.abort();
  const code = await end;
  assertEquals([code, err, listeners.size], [0, "", 0]);
  return { out, news };
}

/** All that can be said. */
async function everything(
  { kernel, said, reload }: Parameters<Parameters<typeof watch>[1]>[0],
  words: readonly string[],
) {
  const [ready, lost, taken, refused, same, gone, undone] = words;
  await said(ready!);
  kernel.changeNetwork(({ links }) => links.set("eth1", { flags: ["up"] }));
  await said(lost!);
  kernel.files.set(FILE, TEXT.replace("3", "4"));
  await said(taken!);
  kernel.files.set(FILE, "limits: { subflow: 4 }");
  reload();
  await said(refused!);
  reload();
  await said(same!);
  kernel.files.delete(FILE);
  await said(gone!);
  using pm = PathManager.open({ namespace: kernel });
  for (let count = 0; count < 2; count++) {
    pm.setLimits({ subflows: 1 });
    await said(count === 0 ? `subflows 1 -> 4` : undone!);
  }
}

Deno.test("`mptcp watch` says what it does, and why", async () => {
  const { out, news } = await watch("--clean", (run) =>
    everything(run, [
      ...["ready", "no carrier", "subflows 3 -> 4", "not taken", "the same"],
      ...["Cannot read", "left alone"],
    ]));
  assertEquals(out.split("\n"), [
    "10.0.9.1 subflow backup dev wwan0 waits: there is no wwan0",
    "~ limits subflows 2 -> 3 (the file wants it)",
    "+ 10.0.1.1 subflow dev eth1 (the file wants it)",
    "ready: 1 endpoint of the file, 1 waiting",
    "- 10.0.1.1 id 1 subflow dev eth1 (eth1 has had no carrier for 0.03 s)",
    `${FILE} has changed`,
    "10.0.9.1 subflow backup dev wwan0 waits: there is no wwan0",
    "warning: endpoints[0] fits no address of this host",
    "~ limits subflows 3 -> 4 (the file wants it)",
    `${FILE} has changed, and is not taken:`,
    `${FILE}:1:11: limits.subflow: unknown key "subflow" (did you mean ` +
    '"subflows"?)',
    `${FILE} says the same as before`,
    `Cannot read ${FILE}: there is no such file`,
    "~ limits subflows 1 -> 4 (another program changed it)",
    "~ limits subflows 1 -> 4 (left alone: another program undoes it each time)",
    "",
  ]);
  const told = news.filter(({ state }) => state !== "alive");
  assertEquals(told.map(({ state }) => state ?? ""), [
    ...["ready", "", "ready", "reloading", "ready", "reloading", "ready"],
    ...["ready", "stopping"],
  ]);
  assertEquals(told[0]!.status, "1 endpoint of the file, 1 waiting");
  assertEquals(told[1]!.status, "0 endpoints of the file, 1 waiting");
  assertStringIncludes(told[4]!.status!, "not taken: /etc/mptcp.yaml:1:11");
  assertEquals(news.some(({ state }) => state === "alive"), true);
});

Deno.test("`mptcp watch -j` says the same in an object a line", async () => {
  const { out } = await watch(
    "-j -t",
    ({ kernel, said }) =>
      said('"ready"').then(async () => {
        kernel.changeNetwork(({ links }) => links.set("eth1", { flags: [] }));
        await said("eth1 is down");
        kernel.files.delete(FILE);
        await said("unreadable");
      }),
  );
  const lines = out.trim().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) {
    assertEquals(typeof line.timestamp, "string");
    delete line.timestamp;
  }
  const endpoint = { address: "10.0.1.1", dev: "eth1", flags: ["subflow"] };
  assertEquals(lines, [
    {
      event: "waiting",
      endpoint: {
        ...{ address: "10.0.9.1", dev: "wwan0", flags: ["subflow", "backup"] },
      },
      why: "there is no wwan0",
    },
    {
      ...{ event: "done", op: "set-limits" },
      ...{ before: { subflows: 2 }, after: { subflows: 3 } },
      ...{ reason: "limits", effect: {}, why: "the file wants it" },
    },
    {
      ...{ event: "done", op: "add-addr", endpoint },
      ...{ reason: "endpoints[0]", effect: {}, why: "the file wants it" },
    },
    { event: "ready", endpoints: 1, waiting: 1 },
    {
      ...{ event: "done", op: "del-addr", endpoint: { ...endpoint, id: 1 } },
      ...{ replaced: false, reason: "not in the file", effect: {} },
      why: "eth1 is down",
    },
    {
      ...{ event: "file", state: "unreadable" },
      why: `Cannot read ${FILE}: there is no such file`,
    },
  ]);
});

Deno.test("`mptcp watch` refuses what cannot be watched", async () => {
  const kernel = host();
  const rows: [line: string, code: number, err: string][] = [
    ["watch -", 255, "mptcp: A file is needed: standard input cannot be"],
    [
      "watch /etc/none",
      1,
      "mptcp: Cannot read /etc/none: there is no such file\n",
    ],
    [`watch ${FILE} settle x`, 255, 'mptcp: Invalid settle "x": it is seconds'],
    [`watch ${FILE} settle 601`, 255, 'mptcp: Invalid settle "601"'],
  ];
  for (const [line, code, err] of rows) {
    const ran = await run(line, kernel);
    assertEquals([line, ran.code, ran.out], [line, code, ""]);
    assertStringIncludes(ran.err, err);
  }
});
