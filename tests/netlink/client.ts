/**
 * A client of `mptcp_pm` that knows nothing of ops/.
 *
 * @module
 */

import type { OpPolicy } from "../../codec/policy.ts";
import { OPS } from "../../codec/mptcp_pm.gen.ts";
import { type Family, GenlClient, type Warning } from "../../netlink/genl.ts";
import type { Namespace } from "../../netlink/transport.ts";
import { FakeKernel, FAMILY } from "../../testing/fake_kernel.ts";
import type { Distortion } from "../../testing/fake_namespace.ts";
import {
  ack,
  attr,
  GENL_ID_CTRL,
  message,
  seqOf,
  text,
  typeOf,
  u16,
  u32,
} from "../helpers/netlink_bytes.ts";

const EOPNOTSUPP = 95;

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

/** A kernel whose `mptcp_pm` has these commands and groups, and no others. */
export function describing(
  commands: readonly number[],
  groups: Readonly<Record<string, number>>,
): FakeKernel {
  const kernel = new FakeKernel();
  const nests = (items: Uint8Array[][]) =>
    items.map((item, index) => attr(index + 1, ...item));
  const family = [
    attr(1, u16(FAMILY)),
    attr(2, text("mptcp_pm")),
    attr(3, u32(1)),
    attr(
      6,
      ...nests(commands.map((cmd) => [attr(1, u32(cmd)), attr(2, u32(0x1a))])),
    ),
    attr(
      7,
      ...nests(
        Object.entries(groups)
          .map(([name, id]) => [attr(1, text(name)), attr(2, u32(id))]),
      ),
    ),
  ];
  kernel.distort = (answer, request) => {
    if (typeOf(request) === GENL_ID_CTRL) {
      const header = Uint8Array.of(1, 2, 0, 0);
      return [message(GENL_ID_CTRL, 0, seqOf(request), header, ...family)];
    }
    const isKnown = commands.includes(request[16]!);
    return isKnown ? answer : [ack(request, EOPNOTSUPP)];
  };
  return kernel;
}
