/** What there is of the lab without one. */
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { run } from "../../testing/host.ts";
import { Lab, until } from "../../testing/mod.ts";

Deno.test("`until()` gives what its condition gives", async () => {
  let calls = 0;
  assertEquals(await until(() => ++calls > 3 && calls, "the fourth call"), 4);
  assertEquals(await until(() => 0, "a number"), 0);
});

Deno.test("`until()` says what it waited for", async () => {
  await assertRejects(
    () => until(() => undefined, "a miracle", 10),
    Error,
    "Waited 10 ms in vain for a miracle",
  );
});

Deno.test("`Lab.open()` refuses numbers before anything is made", () => {
  const refused = [
    ...[NaN, -1, 1.5, 256, Infinity].map((paths) => ({ paths })),
    ...[NaN, -5, 0, Infinity].map((rate) => ({ rate })),
    ...[NaN, -1, 10_001].map((delayMs) => ({ delayMs })),
    ...[NaN, -1, 100.5].map((lossPercent) => ({ lossPercent })),
  ];
  for (const options of refused) {
    const [name, value] = Object.entries(options)[0]!;
    assertThrows(
      () => Lab.open(options),
      RangeError,
      `Invalid ${name} ${value}: `,
    );
  }
});

Deno.test("a program that is missing is named", () => {
  assertThrows(
    () => run("no-such-program"),
    Deno.errors.NotFound,
    "Cannot run no-such-program: there is no such program here",
  );
});

/** Runs a program with no other permissions than these. */
async function runDeno(program: string, ...permissions: string[]) {
  const url = new URL("../../testing/mod.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-config", "--no-lock", "--no-check", "--no-prompt"],
      ...[...permissions, "-"],
    ],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const source = new Blob([`import * as kit from "${url}"; ${program}`]);
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    source.stream().pipeTo(child.stdin),
  ]);
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("the fake kernel needs no permission", async () => {
  const { code, stdout, stderr } = await runDeno(`
    const kernel = new kit.FakeKernel();
    const subscription = kernel.subscribe(16, [9]);
    kernel.emitEvent("closed", { token: 5 });
    console.log(subscription.receive().length, Object.keys(kit).join());
  `);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    stdout,
    "28 FakeClock,FakeInterfaces,FakeKernel,FakeNamespace,FakeSubscription," +
      "FakeTransport,Host,Lab,LabConnection,MptcpSocket,simulate,until\n",
  );
});

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "`Lab.open()` says what is missing",
  ignore: !isLinux || Deno.uid() !== 0,
  async fn() {
    const { code, stdout, stderr } = await runDeno(
      `
      const { symbols } = Deno.dlopen("libc.so.6", {
        setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
      });
      if (symbols.setresuid(65534, 65534, 65534) !== 0) Deno.exit(1);
      console.log(kit.Lab.missing());
      kit.Lab.open();
      `,
      "--allow-all",
    );
    assertEquals([code, stdout], [
      1,
      "making network namespaces needs root\n",
    ]);
    assertStringIncludes(
      stderr,
      "Error: Cannot make a lab: making network namespaces needs root",
    );
  },
});

for (const [tool, home] of [["ip", "iproute2"], ["sysctl", "procps"]]) {
  Deno.test({
    name: `\`Lab.missing()\` takes ${tool} of BusyBox for no ${home}`,
    ignore: !isLinux || Lab.missing() !== undefined,
    async fn() {
      const { stdout, stderr } = await runDeno(
        `
        const folder = Deno.makeTempDirSync();
        Deno.writeTextFileSync(
          folder + "/${tool}",
          "#!/bin/sh\\necho ${tool}: unrecognized option: V >&2\\n" +
            "echo BusyBox v1.36.1 multi-call binary. >&2; exit 1\\n",
          { mode: 0o755 },
        );
        Deno.env.set("PATH", folder + ":" + Deno.env.get("PATH"));
        console.log(kit.Lab.missing());
        Deno.removeSync(folder, { recursive: true });
        `,
        "--allow-all",
      );
      assertEquals(
        [stdout, stderr],
        [`the program ${tool} of ${home} is missing\n`, ""],
      );
    },
  });
}
