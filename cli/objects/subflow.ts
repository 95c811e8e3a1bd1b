import {
  type Command,
  command,
  integer,
  type Operand,
  option,
  required,
  text,
  words,
} from "../words/grammar.ts";
import {
  BACKUP,
  dev,
  NOBACKUP,
  switched,
  theToken,
} from "../words/operands.ts";
import { request } from "../output.ts";

const laddr = required(option("laddr", "A", "local address", text));
const lid = option(
  "lid",
  "N",
  "id of the local address, 0 to 255",
  integer(0, 255),
);
const lport = option(
  "lport",
  "N",
  "local TCP port, 1 to 65535",
  integer(1, 65535),
);
const raddr = required(option("raddr", "B", "remote address", text));
const rport = required(
  option("rport", "N", "remote TCP port, 1 to 65535", integer(1, 65535)),
);

/** The operands that name an existing subflow. */
const ENDS: {
  readonly token: Operand<number, true>;
  readonly laddr: Operand<string, true>;
  readonly lport: Operand<number, true>;
  readonly raddr: Operand<string, true>;
  readonly rport: Operand<number, true>;
} = { token: theToken, laddr, lport: required(lport), raddr, rport };

/** `mptcp subflow …` */
export const SUBFLOW: readonly Command[] = [
  command({
    words: ["subflow", "create"],
    summary: "Open a subflow of one connection",
    operands: {
      token: theToken,
      laddr,
      lid,
      lport,
      dev,
      raddr,
      rport,
      backup: words("backup", BACKUP[1], [BACKUP]),
    },
    run(pm, values) {
      const { token, laddr, lid, lport, dev, raddr, rport, backup } = values;
      pm.subflowCreate({
        token,
        local: {
          address: laddr,
          ...lid !== undefined && { id: lid },
          ...lport !== undefined && { port: lport },
        },
        remote: { address: raddr, port: rport },
        ...dev !== undefined && { dev },
        backup: backup !== undefined,
      });
      return request({ ...values, ...backup && { backup: true } });
    },
  }),
  command({
    words: ["subflow", "destroy"],
    summary: "Close a subflow of one connection",
    operands: ENDS,
    run(pm, values) {
      const { token, laddr, lport, raddr, rport } = values;
      pm.subflowDestroy({
        token,
        local: { address: laddr, port: lport },
        remote: { address: raddr, port: rport },
      });
      return request(values);
    },
  }),
  command({
    words: ["subflow", "change"],
    summary: "Change the priority of a subflow, and tell the peer",
    operands: {
      ...ENDS,
      priority: required(
        words("backup|nobackup", "the new priority", [BACKUP, NOBACKUP]),
      ),
    },
    run(pm, values) {
      const { token, laddr, lport, raddr, rport, priority } = values;
      const { backup = false } = switched("backup", priority);
      pm.setSubflowBackup({
        token,
        local: { address: laddr, port: lport },
        remote: { address: raddr, port: rport },
        backup,
      });
      return request({ token, ...{ laddr, lport, raddr, rport, backup } });
    },
  }),
];
