import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Context } from "../../../cli/context.ts";
import { allCommands, OBJECTS } from "../../../cli/objects.ts";
import { UsageError } from "../../../cli/words/grammar.ts";
import { nearest } from "../../../codec/nearest.ts";
import { findCommand, readOperands, settle } from "../../../cli/words/parse.ts";
import { wordsOf } from "../../helpers/run_main.ts";

/** The path of the command that a line names. */
async function pathOf(line: string): Promise<string> {
  return (await findCommand(wordsOf(line))).path.join(" ");
}

/** Where no connection is, so that the likely reading of a token is taken. */
const NOTHING_THERE = {
  token: (likely: number) => likely,
} as unknown as Context;

/** The values of a line's operands. */
async function read(line: string): Promise<Record<string, unknown>> {
  const { command, path, rest } = await findCommand(wordsOf(line));
  return settle(readOperands(command!, rest, path[0]), NOTHING_THERE);
}

async function assertUsageError(
  action: () => Promise<unknown>,
  message: string,
): Promise<void> {
  assertEquals((await assertRejects(action, UsageError)).message, message);
}

const SUBFLOW = "token 1 laddr 10.0.0.1 lport 2 raddr 10.0.0.2 rport 3";

Deno.test("`findCommand()` finds every command by its words, and what is behind", async () => {
  for (const { path, command } of await allCommands()) {
    assertEquals(await findCommand([...path, "one", "help"], false), {
      path,
      command,
      rest: ["one", "help"],
      help: false,
    });
  }
});

/** Each word of `ip mptcp`, and the shortest beginning that `ip` takes for it. */
const OF_IP: { readonly [word: string]: string } = {
  "endpoint": "e",
  "endpoint add": "a",
  "endpoint change": "c",
  "endpoint delete": "d",
  "endpoint show": "s",
  "endpoint flush": "f",
  "limits": "l",
  "limits set": "s",
  // `s` is `set`, of which `ip` thinks first.
  "limits show": "sh",
  "monitor": "m",
};

Deno.test("`findCommand()` takes the beginnings of words that `ip` takes, and no others", async () => {
  const objects = OBJECTS.map(({ word }) => [word]);
  const commands = (await allCommands()).map(({ path }) => path);
  for (const path of [...objects, ...commands]) {
    const [word, ...before] = path.toReversed();
    const shortest = OF_IP[path.join(" ")]?.length ?? word!.length;
    for (let length = 1; length <= word!.length; length++) {
      const given = [...before, word!.slice(0, length), "help"];
      const found = findCommand(given, true).then(({ path }) => path);
      const isAlias = path.length === 1 &&
        OBJECTS.some(({ aliases }) => aliases?.includes(given[0]!));
      if (length >= shortest || isAlias) assertEquals(await found, path);
      else if (given.join(" ") === "man help") {
        assertEquals(await found, ["man"]);
      } else if (given[0] === "m") assertEquals(await found, ["monitor"]);
      else if (path.join() === "limits,show") {
        assertEquals(await found, ["limits", "set"]);
      } else if (given[0] === "e") {
        assertEquals(await found, ["endpoint"]);
      } else await assertRejects(() => found, UsageError, "Unknown ");
    }
  }
  for (const line of ["h", "hel"]) {
    assertEquals((await findCommand([line])).help, true);
  }
});

Deno.test("`findCommand()` lists what is known instead of an unknown word", async () => {
  const objects = OBJECTS.map(({ word }) => word).join(", ");
  const messages = {
    "foo": `Unknown object "foo": known are ${objects}`,
    "Endpoint": `Unknown object "Endpoint": known are ${objects}`,
    "ep": `Unknown object "ep": known are ${objects}`,
    "endpoint foo":
      'Unknown command "foo": known are add, delete, change, show, flush',
    "endpoint showing":
      'Unknown command "showing": known are add, delete, change, show, flush',
    "limits foo": 'Unknown command "foo": known are set, show',
    "subflow show": 'Unknown command "show": known are create, destroy, change',
  };
  for (const [line, message] of Object.entries(messages)) {
    await assertUsageError(() => pathOf(line), message);
  }
  await assertUsageError(
    () => findCommand([""]),
    `Unknown object "": known are ${objects}`,
  );
  await assertUsageError(
    () => findCommand(["limits", ""]),
    'Unknown command "": known are set, show',
  );
});

Deno.test("`findCommand()` shows where an object comes alone, or says what is needed", async () => {
  for (const object of ["endpoint", "limits", "e", "l"]) {
    const { command, rest } = await findCommand([object]);
    assertEquals(command?.word, "show");
    assertEquals(rest, []);
  }
  await assertUsageError(
    () => findCommand(["subflow"]),
    'Incomplete command "subflow": one of create, destroy, change is needed',
  );
});

Deno.test("`findCommand()` looks for help only in front of `--`", async () => {
  const lines: [line: string, plain: number, help: boolean][] = [
    ["completion words help", 3, true],
    ["completion words help", 2, false],
    ["limits help", 2, true],
    ["monitor help", 2, true],
    ["monitor help", 1, false],
  ];
  for (const [line, plain, help] of lines) {
    const found = await findCommand(wordsOf(line), false, plain);
    assertEquals([line, found.help], [line, help]);
  }
});

const WORDS = ["endpoint", "limits", "announce", "add", "set", "show", "id"];

Deno.test("`nearest()` gives the words that may have been meant", () => {
  const rows: { readonly [given: string]: string } = {
    // Two letters in each other's place, one too much, missing, wrong.
    "endpiont": "endpoint",
    "endpoints": "endpoint",
    "enpoint": "endpoint",
    "emdpoint": "endpoint",
    "endpioints": "endpoint",
    "lmits": "limits",
    "sjow": "show",
    "dad": "add",
    // A beginning.
    "a": "announce add",
    "lim": "limits",
    // Nothing near.
    "": "",
    "x": "",
    "ie": "",
    "set": "set",
    "sat": "set",
    "foo": "",
    "showing": "",
    "10.0.0.1": "",
    "constructor": "",
  };
  for (const [given, found] of Object.entries(rows)) {
    assertEquals([given, nearest(given, WORDS).join(" ")], [given, found]);
  }
});

Deno.test("`readOperands()` takes operands in any order", async () => {
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
    const values = await read([add, ...order].join(" "));
    const flags = first === parts.length - 1
      ? ["backup", "signal"]
      : expected.flags;
    assertEquals(values, { ...expected, flags });
  }
  assertEquals(
    await read(`subflow change backup ${SUBFLOW}`),
    await read(`subflow change ${SUBFLOW} backup`),
  );
});

Deno.test("`readOperands()` takes a keyword's value whatever it looks like", async () => {
  assertEquals(await read("endpoint add ::1 dev signal"), {
    address: "::1",
    dev: "signal",
  });
  assertEquals(await read("endpoint delete dev dev"), { dev: "dev" });
  assertEquals(await read("endpoint delete dev eth0.5"), { dev: "eth0.5" });
});

Deno.test("`readOperands()` says which operands are missing, as usage has them", async () => {
  const messages = {
    "endpoint add": "ADDR is missing",
    "endpoint add signal id 3": "ADDR is missing",
    "endpoint change id 3": "CHANGE… is missing",
    "announce": "ADDR, token T, id N are missing",
    "announce 10.0.0.1 token 1": "id N is missing",
    "remove id 1": "token T is missing",
    "subflow create token 1": "laddr A, raddr B, rport N are missing",
    "subflow destroy":
      "token T, laddr A, lport N, raddr B, rport N are missing",
    [`subflow change ${SUBFLOW}`]: "backup|nobackup is missing",
  };
  for (const [line, message] of Object.entries(messages)) {
    await assertUsageError(() => read(line), `Incomplete command: ${message}`);
  }
});

Deno.test("`readOperands()` names the operand whose value is missing", async () => {
  for (const { path, command: { operands } } of await allCommands()) {
    for (
      const { usage, words: keywords, takesValue } of Object.values(operands)
    ) {
      if (!takesValue) continue;
      const [keyword] = keywords[0]!;
      await assertUsageError(
        () => read([...path, keyword].join(" ")),
        `Incomplete command: "${keyword}" needs a value, as in ${usage}`,
      );
    }
  }
});

Deno.test("`readOperands()` refuses a keyword that is given twice", async () => {
  const lines = {
    "endpoint add ::1 id 1 id 1": "id",
    "endpoint add dev a ::1 dev b": "dev",
    "limits set subflows 0 subflows 1": "subflows",
    "announce token 1 token 2": "token",
    "subflow create rport 1 rport 1": "rport",
  };
  for (const [line, keyword] of Object.entries(lines)) {
    await assertUsageError(() => read(line), `"${keyword}" is given twice`);
  }
});

Deno.test("`readOperands()` refuses a second address", async () => {
  for (const command of ["endpoint add", "endpoint delete", "announce"]) {
    await assertUsageError(
      () => read(`${command} 10.0.0.1 fd00::1`),
      'Two addresses, "10.0.0.1" and "fd00::1": one is needed',
    );
  }
});

Deno.test("`readOperands()` lists what can stand in place of an unknown word", async () => {
  const messages = {
    "endpoint add ::1 what":
      "ADDR, dev IF, id N, port N, signal, subflow, backup, fullmesh, laminar, nobackup, nofullmesh",
    "endpoint delete what": "id N, ADDR, port N, dev IF",
    "endpoint change id 1 what":
      "id N, ADDR, port N, backup, nobackup, fullmesh, nofullmesh",
    "endpoint show what": "id N, token T, ADDR, port N, dev IF",
    "limits set what": "subflows N, add_addr_accepted N",
    "remove what": "token T, id N",
    "subflow change what":
      "token T, laddr A, lport N, raddr B, rport N, backup, nobackup",
  };
  for (const [line, known] of Object.entries(messages)) {
    await assertUsageError(
      () => read(line),
      `Unknown word "what": what can stand here is ${known}`,
    );
  }
  for (const line of ["endpoint flush", "limits show"]) {
    await assertUsageError(
      () => read(`${line} what`),
      'Unknown word "what": nothing can follow here',
    );
  }
});

Deno.test("`readOperands()` takes keywords of `ip mptcp` as short as it does", async () => {
  const rows: [line: string, key: string, keyword: string][] = [
    ["endpoint add ::1", "dev", "dev"],
    ["endpoint add ::1", "id", "id"],
    ["endpoint add ::1", "port", "port"],
    ["endpoint delete", "id", "id"],
    ["endpoint delete ::1", "dev", "dev"],
    ["endpoint change ::1 backup", "port", "port"],
    ["endpoint show", "id", "id"],
    ["limits set", "subflows", "subflows"],
    ["limits set", "addAddrAccepted", "add_addr_accepted"],
  ];
  for (const [line, key, keyword] of rows) {
    for (let length = 1; length <= keyword.length; length++) {
      const word = keyword.slice(0, length);
      const values = await read(`${line} ${word} 7`);
      assertEquals([word, values[key]], [word, key === "dev" ? "7" : 7]);
    }
  }
});

Deno.test("`readOperands()` abbreviates no flag and no keyword of our own", async () => {
  const rows = {
    "endpoint add ::1": ["back", "Backup", "sub", "I", "idx", "t", ""],
    "endpoint show": ["t", "tok"],
    "limits set": ["x", "S", "subflowss", ""],
    "announce ::1 token 5": ["i", "d", "p"],
    "remove": ["i", "t"],
    "subflow create token 5": ["l", "r", "d"],
  };
  for (const [line, words] of Object.entries(rows)) {
    const { command, path, rest } = await findCommand(line.split(" "));
    for (const word of words) {
      assertThrows(
        () => readOperands(command!, [...rest, word, "1"], path[0]),
        UsageError,
        `Unknown word "${word}"`,
      );
    }
  }
});

Deno.test("`readOperands()` reads numbers, decimal and hexadecimal", async () => {
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
    assertEquals(await read(`limits set subflows ${text}`), {
      subflows: number,
    });
  }
});

Deno.test("`readOperands()` refuses what is no whole number, or not clearly one", async () => {
  const bad = [
    ...["010", "00", "1.5", "1.0", "-1", "+1", "1e3", "1_000", "1,000", "five"],
    ...["0x", "0xg", "x5", "ff", "0b11", "0o7", "5 ", " 5", "5\n", "", "٣"],
    ...["NaN", "Infinity", "1n"],
  ];
  for (const text of bad) {
    const found = await findCommand(["limits", "set", "subflows", text]);
    await assertUsageError(
      () => Promise.try(readOperands, found.command!, found.rest),
      `Invalid subflows "${text}": a whole number is needed, decimal or 0x…`,
    );
  }
});

Deno.test("`readOperands()` reads tokens, hexadecimal with 0x and decimal", async () => {
  const tokens = {
    "0x5": 5,
    "0x01697815": 0x01697815,
    "0xE7BD3786": 0xe7bd3786,
    "0xffffffff": 0xffffffff,
    "3887937414": 0xe7bd3786,
    "2368923": 2368923,
    // As `ss` and events print them.
    "e7bd3786": 0xe7bd3786,
    "E7BD3786": 0xe7bd3786,
    "01697815": 0x01697815,
    "12345678": 0x12345678,
    "5e1": 0x5e1,
    "a": 10,
  };
  for (const [text, token] of Object.entries(tokens)) {
    assertEquals(await read(`endpoint show token ${text}`), { token });
  }
});

Deno.test("`readOperands()` refuses what is no token", async () => {
  for (
    const text of [
      "xyz",
      "-5",
      "1.5",
      "0x",
      "0xg",
      "e7bd37861",
      "00",
      "0123456",
    ]
  ) {
    await assertUsageError(
      () => read(`endpoint show token ${text}`),
      `Invalid token "${text}": it is written as mptcp connection shows it`,
    );
  }
});

Deno.test("`readOperands()` takes anything with a dot or a colon for the address", async () => {
  // Whether it is one is for the library to say, with better words.
  for (const address of ["10.0.0.1", "::", "fe80::1%eth0", "1.2.3.4/24"]) {
    assertEquals(await read(`endpoint add ${address}`), { address });
  }
});
