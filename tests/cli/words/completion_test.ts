import { assert, assertEquals } from "@std/assert";
import { allCommands, OBJECTS } from "../../../cli/objects.ts";
import { candidates } from "../../../cli/words/completion.ts";
import { OPTIONS, optionsOf } from "../../../cli/words/options.ts";
import { CHECK_NAMES } from "../../../doctor/mod.ts";
import { EVENT_TYPES } from "../../../ops/event.ts";
import { kernelWith, run } from "../../helpers/run_main.ts";

const SHELLS = ["bash", "zsh", "fish"];
const COMMANDS = await allCommands();

/** The words that can stand where a line ends. */
async function wordsAt(line: string): Promise<string[]> {
  return (await candidates(line.split(" "))).map(([word]) => word);
}

const GLOBAL = optionsOf().map((name) => `--${name}`);
const FIRST = [...OBJECTS.map(({ word }) => word), ...GLOBAL].join(" ");

Deno.test("`candidates()` gives the objects and the options first", async () => {
  const all = [
    ...OBJECTS.map(({ word, about }) => [word, about]),
    ...optionsOf().map((name) => [`--${name}`, OPTIONS[name].help]),
  ];
  assertEquals(await candidates([""]), all as [string, string][]);
  assertEquals(await candidates([]), all as [string, string][]);
  for (const [word] of all) {
    assert((await wordsAt(word!.slice(0, -1))).includes(word!));
  }
});

Deno.test("`candidates()` gives each object its commands, with what they do", async () => {
  for (const { word: object } of OBJECTS) {
    const commands = COMMANDS.filter(({ path }) => path[0] === object);
    if (commands[0]!.path.length === 1) continue;
    // Where all there is to do is to show, the word may be left out.
    const only = commands.length === 1 ? commands[0]!.command.operands : {};
    assertEquals(
      await candidates([object, ""]),
      [
        ...commands.map(({ path, command }) =>
          [path[1]!, command.summary] as const
        ),
        ...Object.values(only).flatMap(({ words }) => words),
      ],
    );
    for (const { path } of commands) {
      assert((await wordsAt(path.join(" "))).includes(path[1]!));
    }
  }
});

Deno.test("`candidates()` gives each command the words of its operands, and its options", async () => {
  for (const { path, command } of COMMANDS) {
    const operands = Object.values(command.operands);
    const expected = operands.flatMap(({ words, values, takesValue }) =>
      takesValue ? words : [...words, ...values]
    );
    assertEquals(await candidates([...path, ""]), expected);
    for (const { words: [keyword], values, takesValue } of operands) {
      if (!takesValue) continue;
      assertEquals(await candidates([...path, keyword![0], ""]), values);
    }
    assertEquals(
      await wordsAt([...path, "-"].join(" ")),
      optionsOf(command).map((name) => `--${name}`),
    );
  }
});

Deno.test("`candidates()` knows every position of a line", async () => {
  const options = GLOBAL.join(" ");
  const lines: { readonly [line: string]: string } = {
    "e": "endpoint export",
    "foo": "",
    "foo ": "",
    "foo -": options,
    "endpoint s": "show",
    "endpoint x": "",
    "endpoint foo ": "",
    "e ": "add delete change show flush",
    "en sh ": "id token @address port dev",
    "li set ": "subflows add_addr_accepted",
    "limits set subflows ": "",
    "limits set subflows 3 ": "add_addr_accepted",
    "limits set subflows 3 add_addr_accepted 4 ": "",
    "limits show ": "",
    "endpoint add ::1 dev ": "@dev",
    "endpoint add ::1 dev l": "@dev",
    "endpoint add dev eth0 s": "signal subflow",
    "endpoint add signal dev eth0 s": "subflow",
    "endpoint change id 1 no": "@address nobackup nofullmesh",
    "endpoint change id ": "@id",
    "endpoint delete ": "id @address port dev",
    "endpoint show id ": "@id",
    "endpoint add id ": "",
    "announce t": "token",
    "subflow ": "create destroy change",
    "subflow c": "create change",
    "subflow change b": "backup",
    "-": options,
    "endpoint -": options,
    "limits show --j": "--json",
    "monitor event --e": "--explain",
    "-n ": "@/run/netns",
    "--netns b": "@/run/netns",
    "endpoint show -n ": "@/run/netns",
    "-n blue ": FIRST,
    "-n blue l": "limits",
    "-j limits -n blue s": "set show",
    "--netns=blue -j e a bac": "backup",
    "completion ": "bash zsh fish words",
    "completion f": "fish",
    "completion bash ": "",
    "help ": FIRST,
    "help limits s": "set show",
    "mo": "monitor",
    "-t mon": "monitor",
    "monitor ": `event ${EVENT_TYPES.join(" ")} token`,
    "monitor event sub-": "sub-established sub-closed sub-priority",
    "monitor event closed c": "created",
    "monitor -t closed --explain t": "token",
    "monitor token ": "@token",
    "conn sh": "show",
    "connection f": "from fallback",
    "connection show to 10.0.0.1 ":
      "token from port dev state fallback interval",
    "top token 5 ": "to from port dev state fallback interval",
    "connection state syn": "syn-sent syn-recv",
    "monitor token 5 ev": "event",
    "manage fullmesh dev eth0 ": "dev not subflows",
    "manage keep not ": "dev",
    "manage keep dev eth0 not dev ": "@dev",
    "doctor ": "token to port",
    "doctor to ": "",
    "doctor to example.org ": "token port",
    "doctor --i": "--ignore",
    "doctor --ignore ": "@check",
    "doctor --ignore limits,id": "@check",
    "doctor --ignore idle to": "token to",
  };
  for (const [line, words] of Object.entries(lines)) {
    assertEquals([line, (await wordsAt(line)).join(" ")], [line, words]);
  }
});

Deno.test("`candidates()` copes with the words of bash, which ends them at = and :", async () => {
  const lines = {
    "--netns = blue lim": "limits",
    "--netns = b": "@/run/netns",
    "endpoint delete fd00 :: 1 p": "@address port",
  };
  for (const [line, words] of Object.entries(lines)) {
    assertEquals([line, (await wordsAt(line)).join(" ")], [line, words]);
  }
});

Deno.test("`mptcp completion words` prints a candidate a line, its help behind a tab", async () => {
  const { code, out, err, opened } = await run("completion words -- limits ");
  assertEquals([code, err, opened], [0, "", []]);
  assertEquals(out, "set\tSet one limit or both\nshow\tShow the limits\n");
  const dashed = await run("completion words -- --j");
  assertEquals(dashed.out, "--json\twrite JSON, errors too\n");
  const helpful = await run("completion words -- help limits se");
  assertEquals(helpful.out, "set\tSet one limit or both\n");
});

Deno.test("`mptcp completion words` goes on with a list of checks", async () => {
  const words = async (line: string) => {
    const { code, out, err } = await run(`completion words -- doctor ${line}`);
    assertEquals([code, err], [0, ""], line);
    return out.trimEnd().split("\n").map((line) => line.split("\t")[0]);
  };
  assertEquals(await words("--ignore "), [...CHECK_NAMES]);
  assertEquals(await words("--ignore li"), ["limits"]);
  assertEquals(await words("--ignore = li"), ["limits"]);
  assertEquals(await words("--ignore limits,endpoint-"), [
    ...["flags", "device", "address"].map((one) => `limits,endpoint-${one}`),
  ]);
  assertEquals(await words("--ignore limits,idle,li"), [""]);
});

Deno.test("`mptcp completion` prints a script for each shell that its help names", async () => {
  const { out: help } = await run("completion --help");
  for (const shell of SHELLS) {
    const { code, out } = await run(`completion ${shell}`);
    assertEquals(code, 0);
    assertEquals(out, JSON.parse((await run(`-j completion ${shell}`)).out));
    assert(out.includes("mptcp completion words -- "));
    assert(help.includes(`mptcp completion ${shell}`));
  }
});

Deno.test("`mptcp completion words` offers the endpoints that are there", async () => {
  const kernel = await kernelWith("10.0.2.1 dev eth2", "fd00::1 id 7");
  const rows = {
    "endpoint delete id ": "1\t10.0.2.1\n7\tfd00::1\n",
    "endpoint change 1": "10.0.2.1\tendpoint 1\n",
    "-n blue endpoint delete f": "fd00::1\tendpoint 7\n",
    "--netns = blue endpoint show id 7": "7\tfd00::1\n",
    "endpoint add id ": "",
  };
  for (const [line, expected] of Object.entries(rows)) {
    const { code, out, err, opened } = await run(
      `completion words -- ${line}`,
      kernel,
    );
    assertEquals([code, out, err], [0, expected, ""], line);
    const { netns } = opened[0] ?? {};
    assertEquals(netns, line.includes("blue") ? "blue" : undefined, line);
  }
  const absent = new Error("no such namespace");
  const { out } = await run("completion words -- endpoint delete id ", absent);
  assertEquals(out, "");
});

/** Lines, and what a shell is to offer at their end: `word: help`. */
async function offers(): Promise<{ [line: string]: string[] }> {
  const tabled = async (...line: string[]) =>
    (await candidates(line)).map(([word, help]) => `${word}: ${help}`);
  const devices = Array.from(
    Deno.readDirSync("/sys/class/net"),
    ({ name }) => `${name}: network device`,
  );
  return {
    "": await tabled(""),
    "endpoint ": await tabled("endpoint", ""),
    "-j limits s": await tabled("limits", ""),
    "monitor event li": await tabled("monitor", "event", "li"),
    "endpoint add ::1 dev ": devices,
    "endpoint add dev l": devices.filter((name) => name.startsWith("l")),
  };
}

/** How to ask a shell: a script, and how to read what it prints. */
const DRIVERS: {
  readonly [shell: string]: {
    readonly command: readonly string[];
    /** Puts `====` between lines; both kinds of quotes are free to use. */
    readonly script: (lines: readonly string[]) => string;
    /** Reads what is offered at one line. */
    readonly read: (output: string) => string[];
  };
} = {
  bash: {
    command: ["bash", "--norc", "--noprofile"],
    script: (lines) => `
      eval "$(mptcp completion bash)"
      at() {
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _mptcp
        printf '%s\\n' "\${COMPREPLY[@]}" ====
      }
      [[ $(complete -p mptcp) == 'complete -F _mptcp mptcp' ]] || exit
      ${
      lines.map((line) => `at mptcp ${line.replace(/(^| )$/, " ''")}\n`)
        .join("")
    }`,
    read: (output) => output.split("\n"),
  },
  zsh: {
    command: ["zsh", "-f"],
    // An interactive shell: ^I lists the words, ^T ends the line.
    script: (lines) => `
      zmodload zsh/zpty
      zpty shell "COLUMNS=200 zsh -f -i"
      zpty -w shell '
        PS1=
        unsetopt prompt_sp beep
        unset zle_bracketed_paste
        stty columns 200
        autoload -Uz compinit && compinit -u -D
        eval "$(mptcp completion zsh)"
        mark() { print -r -- "<$BUFFER>"; zle kill-whole-line }
        zle -N mark
        bindkey "^I" list-choices "^T" mark
        print RE""ADY'
      zpty -r shell out '*READY*'
      for line in ${lines.map((line) => `'mptcp ${line}'`).join(" ")}; do
        zpty -w -n shell "$line"$'\\t\\x14'
        zpty -r shell out '*<mptcp*>*'
        print -r -- "$out"$'\\n===='
      done
      zpty -d shell`,
    read: (output) =>
      output.replaceAll("\r", "").split("\n")
        .map((line) => line.trim())
        .filter((line) => !/^$|^mptcp\b/.test(line))
        .flatMap((line) => {
          // Words of one meaning share a line.
          const [words, help] = line.split(/ +-- /);
          return words!.split(/ +/).map((word) =>
            help === undefined ? word : `${word}: ${help}`
          );
        }),
  },
  fish: {
    command: ["fish", "--no-config"],
    script: (lines) => `
      mptcp completion fish | source
      for line in ${lines.map((line) => `'mptcp ${line}'`).join(" ")}
        complete -C $line
        echo ====
      end`,
    read: (output) =>
      output.split("\n").map((line) => line.replace("\t", ": ")),
  },
};

/** Runs a script in a shell that finds `mptcp`, and returns what it prints. */
function runIn(command: readonly string[], script: string): string {
  const folder = Deno.makeTempDirSync({ prefix: "mptcp-" });
  try {
    const launcher = new URL("../../../bin/mptcp", import.meta.url);
    Deno.symlinkSync(launcher.pathname, `${folder}/mptcp`);
    const deno = Deno.execPath().replace(/\/[^/]*$/, "");
    const { stdout, stderr } = new Deno.Command("timeout", {
      args: ["300", ...command, "-c", script],
      env: {
        PATH: `${folder}:${deno}:${Deno.env.get("PATH")}`,
        TERM: "dumb",
        XDG_CONFIG_HOME: folder,
        XDG_DATA_HOME: folder,
      },
      stdin: "null",
    }).outputSync();
    const text = new TextDecoder();
    assertEquals(text.decode(stderr), "");
    return text.decode(stdout);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function isInstalled(program: string): boolean {
  return Deno.env.get("PATH")!.split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

for (const [shell, { command, script, read }] of Object.entries(DRIVERS)) {
  Deno.test({
    name: `\`mptcp completion ${shell}\` completes in ${shell}`,
    ignore: !isInstalled(shell) && Deno.env.get("REQUIRE_LIVE") !== "1",
    async fn() {
      const lines = await offers();
      const output = runIn(command, script(Object.keys(lines)));
      const offered = output.split("\n====\n").slice(0, -1).map(read);
      // Bash has no place for the help.
      const expected = Object.entries(lines).map(([line, words]) =>
        [
          line,
          shell === "bash" ? words.map((word) => word.split(":")[0]!) : words,
        ] as const
      );
      assertEquals(
        expected.map(([line], at) => [line, offered[at]?.sort()]),
        expected.map(([line, words]) => [line, words.sort()]),
      );
    },
  });
}
