import { assertEquals } from "@std/assert";
import {
  notifyService,
  type ServiceNews,
  serviceWatchdogMs,
} from "../../ffi/service.ts";
import { libc, restart } from "../helpers/fake_libc.ts";
import { arm, disarm, type Fault, sweep } from "../helpers/faults.ts";

const NEWS: readonly (readonly [news: ServiceNews, datagram: string])[] = [
  [{ state: "ready" }, "READY=1"],
  [{ state: "ready", status: "2 endpoints" }, "READY=1\nSTATUS=2 endpoints"],
  [{ status: "one\n  two\nREADY=1" }, "STATUS=one; two; READY=1"],
  [{ state: "reloading" }, "RELOADING=1\nMONOTONIC_USEC=12345678"],
  [{ state: "stopping" }, "STOPPING=1"],
  [{ state: "alive" }, "WATCHDOG=1"],
  [{}, ""],
];

for (const address of ["/run/notify", "@notify", `@${"n".repeat(107)}`]) {
  Deno.test(`\`notifyService()\` tells ${address.slice(0, 12)}, and leaves nothing open`, () => {
    restart();
    libc.environment.set("NOTIFY_SOCKET", address);
    const received: string[] = [];
    libc.received.set(address, received);
    assertEquals(
      NEWS.map(([news]) => notifyService(news)),
      NEWS.map(() => true),
    );
    assertEquals(received, NEWS.map(([, datagram]) => datagram));
    assertEquals([...libc.fds], []);
  });
}

Deno.test("`notifyService()` tells nobody where nobody asked, or it cannot", () => {
  const rows = [undefined, "", "relative", "vsock:2:1", `/${"n".repeat(107)}`];
  for (const address of rows) {
    restart();
    if (address !== undefined) libc.environment.set("NOTIFY_SOCKET", address);
    assertEquals(notifyService({ state: "ready" }), false, address);
    assertEquals(libc.calls, []);
  }
});

Deno.test("`notifyService()` does not mind what fails, and leaves nothing open", () =>
  sweep((faults: readonly Fault[], what) => {
    restart();
    libc.environment.set("NOTIFY_SOCKET", "@notify");
    libc.received.set("@notify", []);
    const uses = arm(faults);
    const isTold = notifyService({ state: "ready" });
    disarm();
    assertEquals([...libc.fds], [], what);
    return { uses, isTold };
  }, ({ isTold }, clean, hits, what) => {
    assertEquals(clean.isTold, true);
    assertEquals(isTold, hits.every(([use]) => use === "close"), what);
  }));

Deno.test("`serviceWatchdogMs()` is what was asked of this process", () => {
  const rows: [Record<string, string>, number | undefined][] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "500000", WATCHDOG_PID: `${Deno.pid}` }, 500],
    [{ WATCHDOG_USEC: "500000", WATCHDOG_PID: "1" }, undefined],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
  ];
  for (const [environment, expected] of rows) {
    restart();
    for (const [name, value] of Object.entries(environment)) {
      libc.environment.set(name, value);
    }
    assertEquals(serviceWatchdogMs(), expected, JSON.stringify(environment));
  }
});
