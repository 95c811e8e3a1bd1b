/**
 * A client of `mptcp_pm` that knows nothing of ops/.
 *
 * @module
 */

import type { OpPolicy } from "../../codec/policy.ts";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { type Family, GenlClient, type Warning } from "../../netlink/genl.ts";
import type { Namespace } from "../../netlink/transport.ts";
import { FakeKernel } from "../../testing/fake_kernel.ts";
import type { Distortion } from "../../testing/fake_namespace.ts";

export const SPEC: Family = {
  name: "mptcp_pm",
  version: 1,
  absent: "There is no mptcp_pm",
  action: (op) => op.replace("-", " "),
  hint: (op, errno, extack) => `${op} ${errno} ${extack?.attribute}`,
};

export class TestClient extends GenlClient {
  readonly warnings: Warning[];

  constructor(namespace: Namespace, spec: Family = SPEC) {
    const warnings: Warning[] = [];
    super(namespace, spec, (warning) => warnings.push(warning));
    this.warnings = warnings;
  }

  /** The addresses of a dump one by one. */
  walk(): Generator<object, boolean> {
    return this.dumpOp(OPS["get-addr"] as OpPolicy, {});
  }
}

/** A client of a kernel with two endpoints, and with some way to answer. */
export function open(distort?: Distortion): {
  client: TestClient;
  kernel: FakeKernel;
} {
  const kernel = new FakeKernel();
  const client = new TestClient(kernel);
  for (const last of [1, 2]) {
    const addr = { family: 2, addr4: `10.0.0.${last}`, flags: 2 };
    client.execute(OPS["add-addr"], { addr });
  }
  kernel.sent.length = 0;
  if (distort !== undefined) kernel.distort = distort;
  return { client, kernel };
}
