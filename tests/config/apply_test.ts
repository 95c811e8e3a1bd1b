import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { apply, ApplyError, goBack } from "../../config/apply.ts";
import type { Config, WantedEndpoint } from "../../config/config.ts";
import { plan, PlanError } from "../../config/plan.ts";
import { readState } from "../../config/state.ts";
import { NetlinkError, PathManager, SyscallError } from "../../mod.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";

function kernelWith(...endpoints: readonly string[]): FakeKernel {
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.interfaces = new FakeInterfaces();
  using pm = PathManager.open({ namespace: kernel });
  for (const address of endpoints) pm.addAddr({ address, flags: ["subflow"] });
  return kernel;
}

const BEFORE = ["10.0.0.1", "10.0.1.1", "10.0.9.1"];

const endpoints: readonly WantedEndpoint[] = [
  { address: "10.0.0.1", flags: ["subflow", "backup"], place: 0 },
  { address: "10.0.1.1", flags: ["signal"], place: 1 },
  { address: "10.0.2.1", flags: ["signal"], port: 80, place: 2 },
];
const CONFIG: Config = {
  limits: { subflows: 3 },
  settings: { enabled: "0" },
  endpoints,
};
const prune = { prune: true };

function planFor(kernel: FakeKernel) {
  return plan(CONFIG, readState({ namespace: kernel }), prune);
}

/** All that a plan can change. */
function contents(kernel: FakeKernel) {
  const { limits, sysctls } = kernel;
  return JSON.stringify([kernel.endpoints(), limits, [...sysctls]]);
}

/** The plan has 7 steps; this one opens a port. */
const LAST = 7;

function refusingPort(): FakeKernel {
  const kernel = kernelWith(...BEFORE);
  kernel.network = { listen: () => 98 };
  return kernel;
}

Deno.test("`apply()` stops where the kernel refuses, and says how to go back", () => {
  const kernel = refusingPort();
  const before = contents(kernel);
  const made = planFor(kernel);
  const at = { namespace: kernel };
  const error = assertThrows(() => apply(made, at), ApplyError);
  assertEquals(error.done, made.steps.slice(0, LAST - 1));
  assertEquals([error.failed, error.remaining], [made.steps[LAST - 1]!, []]);
  assertEquals([error.wentBack, error.undo.length], [false, LAST - 1]);
  assertEquals(
    error.message,
    "Cannot add address: create listen socket error: -98 (EADDRINUSE), " +
      "in step 7 of 7; what was done before stays",
  );
  assertEquals(error.hint, "something listens on this port already");
  assertEquals(error.cause instanceof NetlinkError, true);
  assertEquals(kernel.sysctls.get("enabled"), "0");
  // The rest is done where that is possible; or all is taken back.
  kernel.network = {};
  const rest = apply(planFor(kernel), at);
  assertEquals(rest.done.map(({ op }) => op), ["add-addr"]);
  assertEquals(planFor(kernel).steps, []);
  assertEquals(goBack([...rest.undo, ...error.undo], at), []);
  assertEquals(contents(kernel), before);
});

Deno.test("`apply()` goes back by itself", () => {
  const kernel = refusingPort();
  const before = contents(kernel);
  const error = assertThrows(
    () => apply(planFor(kernel), { namespace: kernel, rollback: true }),
    ApplyError,
    "in step 7 of 7; what was done before was taken back",
  );
  assertEquals([error.wentBack, error.undo], [true, []]);
  assertEquals(error.done.length, LAST - 1);
  assertEquals(contents(kernel), before);
});

Deno.test("`apply()` takes back what it can, and says what not", () => {
  const kernel = refusingPort();
  const writeFile = kernel.writeFile.bind(kernel);
  kernel.writeFile = (path, text) => {
    if (text === "0") return writeFile(path, text);
    throw new SyscallError("open", 13, "write");
  };
  const error = assertThrows(
    () => apply(planFor(kernel), { namespace: kernel, rollback: true }),
    ApplyError,
    "what was done before stays",
  );
  assertEquals(error.undo.map(({ op }) => op), ["write-setting"]);
  assertEquals(kernel.endpoints().map(({ address }) => address), BEFORE);
  assertEquals(kernel.limits.subflows, 2);
});

Deno.test("`apply()` without the privilege changes nothing", () => {
  const kernel = kernelWith(...BEFORE);
  kernel.privileged = false;
  const error = assertThrows(
    () => apply(planFor(kernel), { namespace: kernel, rollback: true }),
    ApplyError,
    "in step 1 of 7; nothing was changed",
  );
  assertEquals([error.done, error.undo], [[], []]);
});

Deno.test("`apply()` does nothing where others manage, unless told so", () => {
  const kernel = kernelWith(...BEFORE);
  kernel.files.set("/proc/30/comm", "mptcpd\n");
  const before = contents(kernel);
  const made = planFor(kernel);
  const refused = assertThrows(
    () => apply(made, { namespace: kernel }),
    PlanError,
    "mptcpd (process 30) manages endpoints here, too: it adds an endpoint",
  );
  assertMatch(refused.hint!, /all the same, and so does .* governs: all; one /);
  const contested = made.contested.map((one) => ({
    ...{ ...one, name: "mptcp watch" },
  }));
  const byAgent = assertThrows(
    () => apply({ ...made, contested }, { namespace: kernel }),
    PlanError,
  );
  assertMatch(byAgent.hint!, /all the same; the agent shares where its file, /);
  assertEquals(contents(kernel), before);
  apply(made, { namespace: kernel, takeover: true });
  assertEquals(planFor(kernel).steps, []);
  // Nothing to do is no conflict.
  assertEquals(apply(planFor(kernel), { namespace: kernel }), {
    done: [],
    undo: [],
    differences: [],
  });
});

Deno.test("`apply()` takes it as done that another program was faster", () => {
  const kernel = kernelWith(...BEFORE);
  const made = planFor(kernel);
  using pm = PathManager.open({ namespace: kernel });
  pm.delAddr({ address: "10.0.9.1" });
  assertEquals(apply(made, { namespace: kernel }).differences, []);
  assertEquals(planFor(kernel).steps, []);
});

Deno.test("`apply()` reads what the kernel made of it", () => {
  const kernel = kernelWith();
  const made = plan({
    limits: { subflows: 3, addAddrAccepted: 1 },
    settings: { enabled: "0" },
    endpoints: [
      { address: "10.0.0.1", flags: ["subflow", "0x40"], place: 0 },
      { address: "10.0.1.1", flags: ["subflow"], dev: "eth1", id: 7, place: 1 },
      { address: "10.0.2.1", flags: ["subflow"], place: 2 },
      { address: "10.0.3.1", flags: ["subflow"], place: 3 },
    ],
  }, readState({ namespace: kernel }));
  // Somebody else changes it at once.
  const other = PathManager.open({ namespace: kernel });
  let length = 0;
  kernel.distort = (answer) => {
    if (kernel.endpoints().length === 4 && length++ === 1) {
      other.delAddr({ address: "10.0.3.1" });
      other.delAddr({ id: 7 });
      other.addAddr({ address: "10.0.1.1", flags: ["subflow", "backup"] });
      other.setLimits({ subflows: 4 });
      kernel.sysctls.set("enabled", "1");
    }
    return answer;
  };
  assertEquals(apply(made, { namespace: kernel }).differences, [
    "net.mptcp.enabled is 1, not 0",
    "limits.subflows is 4, not 3",
    "10.0.1.1: it has backup, too",
    "10.0.1.1: its id is 10, not 7",
    "10.0.1.1: its device is 0",
    "10.0.0.1: the kernel dropped 0x40",
    "10.0.3.1 is not there: another program removes it",
  ]);
});
