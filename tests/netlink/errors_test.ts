import { assert, assertEquals } from "@std/assert";
import { DecodeError } from "../../codec/decode_error.ts";
import { MptcpError } from "../../codec/mptcp_error.ts";
import { SyscallError } from "../../ffi/syscall_error.ts";
import {
  isPermissionError,
  NetlinkError,
  NotFoundError,
  ProtocolError,
  type Refusal,
  UnsupportedError,
} from "../../netlink/errors.ts";

const command = { op: "set-limits", action: "set limits" } as const;
const refused = (rest: Omit<Refusal, "op" | "action">) =>
  new NetlinkError({ ...command, ...rest });

Deno.test("the message of a `NetlinkError` has the reason, the error and the place", () => {
  const rows: [Omit<Refusal, "op" | "action">, code: string, reason: string][] =
    [
      [{ errno: 22 }, "EINVAL", "Invalid argument (EINVAL)"],
      [{ errno: 22, extack: {} }, "EINVAL", "Invalid argument (EINVAL)"],
      [{ errno: 17, extack: { message: "no" } }, "EEXIST", "no (EEXIST)"],
      [
        { errno: 22, extack: { message: "no", attribute: ".a", offset: 20 } },
        "EINVAL",
        'no (EINVAL at ".a")',
      ],
      [
        { errno: 34, extack: { attribute: ".a.b" } },
        "ERANGE",
        'Numerical result out of range (ERANGE at ".a.b")',
      ],
      [
        { errno: 22, extack: { missing: 4, attribute: ".token" } },
        "EINVAL",
        'a mandatory attribute is missing (EINVAL at ".token")',
      ],
      [
        { errno: 22, extack: { missing: 99 } },
        "EINVAL",
        "a mandatory attribute is missing (EINVAL)",
      ],
      [
        { errno: 22, extack: { message: "no", missing: 4 } },
        "EINVAL",
        "no (EINVAL)",
      ],
      // A number without a name.
      [{ errno: 4000 }, "E4000", "Unknown error 4000 (E4000)"],
    ];
  for (const [refusal, code, reason] of rows) {
    for (const hint of [undefined, "it means this"]) {
      const error = refused({ ...refusal, hint });
      const message = `Cannot set limits: ${reason}`;
      // Where nothing catches it, the message is all that is shown.
      assertEquals(
        error.message,
        hint === undefined ? message : `${message}\nhint: ${hint}`,
      );
      assertEquals(
        [error.op, error.errno, error.code, error.extack, error.hint],
        ["set-limits", refusal.errno, code, refusal.extack, hint],
      );
      assertEquals("extack" in error, refusal.extack !== undefined);
      assertEquals("hint" in error, hint !== undefined);
      // Another hint changes nothing else.
      const hinted = error.withHint("or that");
      assert(hinted instanceof NetlinkError);
      assertEquals(
        { ...hinted, message: hinted.message },
        {
          ...error,
          message: `${message}\nhint: or that`,
          hint: "or that",
        },
      );
    }
  }
});

Deno.test("all errors have the base class, their names and what they are about", () => {
  const rows: [MptcpError, name: string, message: string][] = [
    [
      refused({ errno: 1 }),
      "NetlinkError",
      "Cannot set limits: Operation not permitted (EPERM)",
    ],
    [
      new UnsupportedError("get events", "5.12"),
      "UnsupportedError",
      "Cannot get events: this needs Linux 5.12 or later",
    ],
    [new NotFoundError("family", "none"), "NotFoundError", "none"],
    [new ProtocolError("what"), "ProtocolError", "what"],
    [
      new DecodeError("no bytes", 3),
      "DecodeError",
      "Cannot decode message: no bytes at byte 3",
    ],
    [
      new SyscallError("socket", 24, "open a netlink socket"),
      "SyscallError",
      "Cannot open a netlink socket: Too many open files (socket: EMFILE)",
    ],
  ];
  for (const [error, name, message] of rows) {
    assert(error instanceof MptcpError && error instanceof Error);
    assertEquals([error.name, error.message], [name, message]);
    assertEquals(error.constructor.name, name);
  }
  assertEquals(new UnsupportedError("get events", "5.12").since, "5.12");
  assertEquals(new NotFoundError("endpoint", "none").what, "endpoint");
});

Deno.test("`isPermissionError()` knows the errors of answers and of system calls", () => {
  const [EPERM, ENOENT, EACCES] = [1, 2, 13];
  const rows: [unknown, boolean][] = [
    [refused({ errno: EPERM }), true],
    [refused({ errno: EACCES }), true],
    [refused({ errno: ENOENT }), false],
    [new SyscallError("setsockopt", EPERM, "join"), true],
    [new SyscallError("open", EACCES, "write"), true],
    [new SyscallError("open", ENOENT, "read"), false],
    [new ProtocolError("EPERM"), false],
    [new Deno.errors.NotCapable("no --allow-ffi"), false],
    [Object.assign(new Error(), { code: "EPERM" }), false],
    ["EPERM", false],
    [undefined, false],
    [null, false],
  ];
  for (const [error, expected] of rows) {
    assertEquals(isPermissionError(error), expected, `${error}`);
  }
});
