import { assertEquals, assertThrows } from "@std/assert";
import { Diag, sysctlTexts } from "../../diag/mod.ts";
import { ProtocolError } from "../../mod.ts";
import { FakeKernel } from "../../testing/mod.ts";
import { Lab } from "../../testing/lab.ts";
import { liveTest } from "../helpers/live.ts";

/** What is read where the sysctls are these, and no others. */
function read(sysctls: Readonly<Record<string, string>>) {
  const kernel = new FakeKernel();
  kernel.sysctls.clear();
  for (const [name, text] of Object.entries(sysctls)) {
    kernel.sysctls.set(name, text);
  }
  using diag = Diag.open({ namespace: kernel });
  return diag.settings();
}

Deno.test("`settings()` reads each sysctl as what it is", () => {
  const texts = {
    enabled: "1",
    add_addr_timeout: "-1",
    allow_join_initial_addr_port: "0",
    available_path_managers: "kernel userspace",
    available_schedulers: "default burst",
    blackhole_timeout: "2147483647",
    checksum_enabled: "1",
    close_timeout: "60",
    path_manager: "userspace",
    pm_type: "1",
    scheduler: "burst",
    stale_loss_cnt: "4294967295",
    syn_retrans_before_tcp_fallback: "255",
    add_addr_v6_port_drop_ts: "1",
    toString: "a b",
  };
  const settings = read(texts);
  assertEquals(settings, {
    enabled: true,
    addAddrTimeoutSeconds: -1,
    allowJoinInitialAddrPort: false,
    availablePathManagers: ["kernel", "userspace"],
    availableSchedulers: ["default", "burst"],
    blackholeTimeoutSeconds: 2147483647,
    checksumEnabled: true,
    closeTimeoutSeconds: 60,
    pathManager: "userspace",
    pmType: 1,
    scheduler: "burst",
    staleLossCnt: 4294967295,
    synRetransBeforeTcpFallback: 255,
    unknown: { add_addr_v6_port_drop_ts: "1", toString: "a b" },
  });
  // And back.
  assertEquals(sysctlTexts(settings), texts);
});

Deno.test("a sysctl that the kernel lacks is absent, one of another form is kept", () => {
  // Linux 5.10.
  assertEquals(read({ enabled: "0" }), { enabled: false, unknown: {} });
  const text = "60 120";
  assertEquals(read({ enabled: "1", close_timeout: text }), {
    enabled: true,
    unknown: { close_timeout: text },
  });
  for (const sysctls of [{}, { pm_type: "0" }]) {
    const { message } = assertThrows(() => read(sysctls), ProtocolError);
    assertEquals(
      message,
      "Cannot read net.mptcp: /proc/sys/net/mptcp cannot be seen here",
    );
  }
});

liveTest("`settings()` is what `sysctl` prints", () => {
  using lab = Lab.open({ paths: 0 });
  using diag = Diag.open({ netns: lab.client.netns });
  using other = Diag.open({ netns: lab.server.netns });
  const printed = () =>
    Object.fromEntries(
      lab.client.exec("sysctl", "-a", "-r", "^net\\.mptcp\\.").trim().split(
        "\n",
      )
        .map((line) => line.replace("net.mptcp.", "").split(" = ")),
    );
  const values = (settings: object) => {
    const { unknown, ...known } = settings as { unknown: object };
    return [known, unknown].flatMap(Object.values).map((value) =>
      typeof value === "boolean"
        ? String(Number(value))
        : Array.isArray(value)
        ? value.join(" ")
        : String(value)
    ).toSorted();
  };
  for (const [enabled, seconds] of [[1, 120], [0, 17]] as const) {
    lab.client.sysctl("net.mptcp.enabled", enabled);
    lab.client.sysctl("net.mptcp.add_addr_timeout", seconds);
    const settings = diag.settings();
    assertEquals(values(settings), Object.values(printed()).toSorted());
    assertEquals(settings.enabled, enabled === 1);
    assertEquals(settings.addAddrTimeoutSeconds, seconds);
  }
  assertEquals(other.settings().addAddrTimeoutSeconds, 120);
});
