import { assertEquals, assertThrows } from "@std/assert";
import { COMMANDS, OBJECTS } from "../../../cli/objects/commands.ts";
import { UsageError } from "../../../cli/words/grammar.ts";
import { findCommand, readOperands } from "../../../cli/words/parse.ts";
import { wordsOf } from "../run.ts";

/** The path of the command that a line names. */
function pathOf(line: string): string {
  return findCommand(wordsOf(line)).path.join(" ");
}

/** The values of a line's operands. */
function read(line: string): Record<string, unknown> {
  const { command, rest } = findCommand(wordsOf(line));
  return readOperands(command!.operands, rest);
}

function assertUsageError(action: () => unknown, message: string): void {
  assertEquals(assertThrows(action, UsageError).message, message);
}

const SUBFLOW = "token 1 laddr 10.0.0.1 lport 2 raddr 10.0.0.2 rport 3";

Deno.test("`findCommand()` finds every command by its words, and what is behind", () => {
  for (const command of COMMANDS) {
    const { path, command: found, rest } = findCommand([
      ...command.words,
      "one",
      "two",
    ]);
    assertEquals(found, command);
    assertEquals(path, command.words);
    assertEquals(rest, ["one", "two"]);
  }
});

Deno.test("`findCommand()` completes objects and commands that nothing else begins like", () => {
  const lines = {
    "e a": "endpoint add",
    "en d": "endpoint delete",
    "endp del": "endpoint delete",
    "e c": "endpoint change",
    "e s": "endpoint show",
    "e f": "endpoint flush",
    "l se": "limits set",
    "li sh": "limits show",
    "a": "announce",
    "r": "remove",
    "s cr": "subflow create",
    "s ch": "subflow change",
    "s d": "subflow destroy",
    "comp": "completion",
  };
  for (const [line, path] of Object.entries(lines)) {
    assertEquals(pathOf(line), path);
  }
});

Deno.test("`findCommand()` lists the candidates of an ambiguous word", () => {
  const messages = {
    "l s": 'Ambiguous command "s": it may be set or show',
    "subflow c": 'Ambiguous command "c": it may be create or change',
  };
  for (const [line, message] of Object.entries(messages)) {
    assertUsageError(() => pathOf(line), message);
  }
});

Deno.test("`findCommand()` lists what is known instead of an unknown word", () => {
  const objects = OBJECTS.map(([word]) => word).join(", ");
  const messages = {
    "foo": `Unknown object "foo": known are ${objects}`,
    "endpoints": `Unknown object "endpoints": known are ${objects}`,
    "Endpoint": `Unknown object "Endpoint": known are ${objects}`,
    "endpoint foo":
      'Unknown command "foo": known are add, delete, change, show, flush',
    "endpoint showing":
      'Unknown command "showing": known are add, delete, change, show, flush',
    "limits foo": 'Unknown command "foo": known are set, show',
    "subflow show": 'Unknown command "show": known are create, destroy, change',
  };
  for (const [line, message] of Object.entries(messages)) {
    assertUsageError(() => pathOf(line), message);
  }
  assertUsageError(
    () => findCommand([""]),
    `Unknown object "": known are ${objects}`,
  );
  assertUsageError(
    () => findCommand(["limits", ""]),
    'Unknown command "": known are set, show',
  );
});

Deno.test("`findCommand()` shows where an object comes alone, or says what is needed", () => {
  for (const object of ["endpoint", "limits", "e", "l"]) {
    const { command, rest } = findCommand([object]);
    assertEquals(command?.words[1], "show");
    assertEquals(rest, []);
  }
  assertUsageError(
    () => findCommand(["subflow"]),
    'Incomplete command "subflow": one of create, destroy, change is needed',
  );
});

Deno.test("`findCommand()` takes an exact word even where others begin like it", () => {
  // No word of today's tables begins like another one: if one does, it is here.
  for (const object of OBJECTS.map(([word]) => word)) {
    const longer = OBJECTS.filter(([word]) => word.startsWith(object));
    assertEquals(findCommand([object, "help"]).path, [object]);
    assertEquals(longer.length, 1, `add a test for ${longer}`);
  }
});

Deno.test("`findCommand()` leaves the words behind `completion` alone", () => {
  assertEquals(findCommand(["comp", "bash"]), {
    path: ["completion"],
    rest: ["bash"],
    help: false,
  });
});

Deno.test("`readOperands()` takes operands in any order", () => {
  const add = "endpoint add";
  const expected = {
    address: "10.0.0.1",
    dev: "eth1",
    id: 5,
    port: 80,
    flags: ["signal", "backup"],
  };
  const parts = [
    "10.0.0.1",
    "dev eth1",
    "id 5",
    "port 80",
    "signal",
    "backup",
  ];
  for (let first = 0; first < parts.length; first++) {
    const order = [...parts.slice(first), ...parts.slice(0, first)];
    const values = read([add, ...order].join(" "));
    const flags = first === parts.length - 1
      ? ["backup", "signal"]
      : expected.flags;
    assertEquals(values, { ...expected, flags });
  }
  assertEquals(
    read(`subflow change backup ${SUBFLOW}`),
    read(`subflow change ${SUBFLOW} backup`),
  );
});

Deno.test("`readOperands()` takes a keyword's value whatever it looks like", () => {
  assertEquals(read("endpoint add ::1 dev signal"), {
    address: "::1",
    dev: "signal",
  });
  assertEquals(read("endpoint delete dev dev"), { dev: "dev" });
  assertEquals(read("endpoint delete dev eth0.5"), { dev: "eth0.5" });
});

Deno.test("`readOperands()` says which operands are missing, as usage has them", () => {
  const messages = {
    "endpoint add": "ADDR is missing",
    "endpoint add signal id 3": "ADDR is missing",
    "endpoint change id 3": "CHANGE… is missing",
    "announce": "ADDR, token T, id N is missing",
    "announce 10.0.0.1 token 1": "id N is missing",
    "remove id 1": "token T is missing",
    "subflow create token 1": "laddr A, raddr B, rport N is missing",
    "subflow destroy": "token T, laddr A, lport N, raddr B, rport N is missing",
    [`subflow change ${SUBFLOW}`]: "backup|nobackup is missing",
  };
  for (const [line, message] of Object.entries(messages)) {
    assertUsageError(() => read(line), `Incomplete command: ${message}`);
  }
});

Deno.test("`readOperands()` names the operand whose value is missing", () => {
  for (const { words, operands } of COMMANDS) {
    for (
      const { usage, words: keywords, takesValue } of Object.values(operands)
    ) {
      if (!takesValue) continue;
      const [keyword] = keywords[0]!;
      assertUsageError(
        () => read([...words, keyword].join(" ")),
        `Incomplete command: "${keyword}" needs a value, as in ${usage}`,
      );
    }
  }
});

Deno.test("`readOperands()` refuses a keyword that is given twice", () => {
  const lines = {
    "endpoint add ::1 id 1 id 1": "id",
    "endpoint add dev a ::1 dev b": "dev",
    "limits set subflows 0 subflows 1": "subflows",
    "announce token 1 token 2": "token",
    "subflow create rport 1 rport 1": "rport",
  };
  for (const [line, keyword] of Object.entries(lines)) {
    assertUsageError(() => read(line), `"${keyword}" is given twice`);
  }
});

Deno.test("`readOperands()` refuses a second address", () => {
  for (const command of ["endpoint add", "endpoint delete", "announce"]) {
    assertUsageError(
      () => read(`${command} 10.0.0.1 fd00::1`),
      'Two addresses, "10.0.0.1" and "fd00::1": one is needed',
    );
  }
});

Deno.test("`readOperands()` lists what can stand in place of an unknown word", () => {
  const messages = {
    "endpoint add ::1 what":
      "ADDR, dev IF, id N, port N, signal, subflow, backup, fullmesh, laminar",
    "endpoint delete what": "id N, ADDR, port N, dev IF",
    "endpoint change id 1 what":
      "id N, ADDR, port N, backup, nobackup, fullmesh, nofullmesh",
    "endpoint show what": "id N, token T",
    "limits set what": "subflows N, add_addr_accepted N",
    "remove what": "token T, id N",
    "subflow change what":
      "token T, laddr A, lport N, raddr B, rport N, backup, nobackup",
  };
  for (const [line, known] of Object.entries(messages)) {
    assertUsageError(
      () => read(line),
      `Unknown word "what": what can stand here is ${known}`,
    );
  }
  for (const line of ["endpoint flush", "limits show"]) {
    assertUsageError(
      () => read(`${line} what`),
      'Unknown word "what": nothing can follow here',
    );
  }
});

Deno.test("`readOperands()` does not abbreviate operands, nor ignore their case", () => {
  for (const word of ["back", "Backup", "i", "sub", ""]) {
    const { command } = findCommand(["endpoint", "add"]);
    assertThrows(
      () => readOperands(command!.operands, ["::1", word]),
      UsageError,
      `Unknown word "${word}"`,
    );
  }
});

Deno.test("`readOperands()` reads numbers, decimal and hexadecimal", () => {
  const numbers = {
    "0": 0,
    "5": 5,
    "255": 255,
    "0x0": 0,
    "0x1f": 31,
    "0X1F": 31,
    "0x005": 5,
    "4294967295": 0xffffffff,
    "0xffffffff": 0xffffffff,
  };
  for (const [text, number] of Object.entries(numbers)) {
    assertEquals(read(`limits set subflows ${text}`), { subflows: number });
  }
});

Deno.test("`readOperands()` refuses what is no whole number, or not clearly one", () => {
  const bad = [
    ...["010", "00", "1.5", "1.0", "-1", "+1", "1e3", "1_000", "1,000", "five"],
    ...["0x", "0xg", "x5", "ff", "0b11", "0o7", "5 ", " 5", "5\n", "", "٣"],
    ...["NaN", "Infinity", "1n"],
  ];
  const { command } = findCommand(["limits", "set"]);
  for (const text of bad) {
    assertUsageError(
      () => readOperands(command!.operands, ["subflows", text]),
      `Invalid subflows "${text}": a whole number from 0 to 4294967295 ` +
        "is needed, decimal or 0x…",
    );
  }
});

Deno.test("`readOperands()` leaves no huge number rounded into range", () => {
  for (const text of ["4294967296", "9".repeat(30), `0x${"f".repeat(30)}`]) {
    assertUsageError(
      () => read(`limits set subflows ${text}`),
      `Invalid subflows "${text}": a whole number from 0 to 4294967295 ` +
        "is needed, decimal or 0x…",
    );
  }
});

Deno.test("`readOperands()` reads tokens, hexadecimal with 0x and decimal", () => {
  const tokens = {
    "0x5": 5,
    "0x01697815": 0x01697815,
    "0xE7BD3786": 0xe7bd3786,
    "0xffffffff": 0xffffffff,
    "23689237": 0x01697815,
    "3887937414": 0xe7bd3786,
  };
  for (const [text, token] of Object.entries(tokens)) {
    assertEquals(read(`endpoint show token ${text}`), { token });
  }
});

Deno.test("`readOperands()` refuses a token that may be hexadecimal without 0x", () => {
  for (const text of ["e7bd3786", "01697815", "E7BD3786", "a", "00"]) {
    assertUsageError(
      () => read(`endpoint show token ${text}`),
      `Ambiguous token "${text}": write 0x${text} if it is hexadecimal`,
    );
  }
  for (const text of ["xyz", "-5", "1.5", "0x", "0xg", "e7bd37861"]) {
    assertUsageError(
      () => read(`endpoint show token ${text}`),
      `Invalid token "${text}": a whole number from 1 to 4294967295 ` +
        "is needed, decimal or 0x…",
    );
  }
});

Deno.test("`readOperands()` takes anything with a dot or a colon for the address", () => {
  // Whether it is one is for the library to say, with better words.
  for (const address of ["10.0.0.1", "::", "fe80::1%eth0", "1.2.3.4/24"]) {
    assertEquals(read(`endpoint add ${address}`), { address });
  }
});
