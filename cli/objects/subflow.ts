import {
  type Command,
  command,
  integer,
  type Operand,
  option,
  required,
  withoutPort,
  words,
} from "../words/grammar.ts";
import {
  BACKUP,
  dev,
  NOBACKUP,
  switched,
  theToken,
} from "../words/operands.ts";
import { echo } from "../output.ts";

const laddr = required(
  option("laddr", "A", "local address", withoutPort("lport")),
);
const lid = option(
  "lid",
  "N",
  "id of the local address, 0 to 255; absent: 0",
  integer,
);
const lport = option(
  "lport",
  "N",
  "local TCP port, 1 to 65535",
  integer,
);
const raddr = required(
  option("raddr", "B", "remote address", withoutPort("rport")),
);
const rport = required(
  option("rport", "N", "remote TCP port, 1 to 65535", integer),
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
export const COMMANDS: readonly Command[] = [
  command({
    word: "create",
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
    run(context, values) {
      const { token, laddr, lid, lport, dev, raddr, rport, backup } = values;
      context.pm().subflowCreate({
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
      return echo({ ...values, ...backup && { backup: true } });
    },
  }),
  command({
    word: "destroy",
    summary: "Close a subflow of one connection",
    operands: ENDS,
    run(context, values) {
      const { token, laddr, lport, raddr, rport } = values;
      context.pm().subflowDestroy({
        token,
        local: { address: laddr, port: lport },
        remote: { address: raddr, port: rport },
      });
      return echo(values);
    },
  }),
  command({
    word: "change",
    summary: "Change the priority of a subflow, and send it to the peer",
    operands: {
      ...ENDS,
      priority: required(
        words("backup|nobackup", "the new priority", [BACKUP, NOBACKUP]),
      ),
    },
    run(context, values) {
      const { token, laddr, lport, raddr, rport, priority } = values;
      const { backup = false } = switched("backup", priority);
      context.pm().setSubflowBackup({
        token,
        local: { address: laddr, port: lport },
        remote: { address: raddr, port: rport },
        backup,
      });
      return echo({ token, ...{ laddr, lport, raddr, rport, backup } });
    },
  }),
];
