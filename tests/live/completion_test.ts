/**
 * Completion in interactive shells, where devices, namespaces and files have
 * names that a shell would expand: each is offered, quoted, and nothing runs.
 */
import { assertEquals } from "@std/assert";
import { environment, launcher, quoted, run } from "../helpers/command_line.ts";
import { liveTest } from "../helpers/live.ts";

/** Names, and what is typed of each; a space is no part of a device's. */
const DEVICES = [
  ["a$(id>z)b", "a"],
  ["b`id>z`", "b"],
  ["c'1", "c"],
  ['d"1', "d"],
  ["f*[x]?", "f"],
  ["g\\n1", "g"],
  ["h{x,y}", "h"],
  ["i;id>z&|", "i"],
  ["k!!$HOME", "k"],
  ["~root", "\\~"],
] as const;
const NAMESPACES = [
  ...DEVICES.slice(0, -1),
  ["m two  words", "m"],
  ["n\nline", "n"],
] as const;

/** Devices and namespaces of nobody else. */
const WORLD = [
  "mount -t tmpfs none /run/netns",
  "ip netns add T",
  ...DEVICES.map(([name], peer) =>
    `ip -n T link add ${quoted([name])} type veth peer name p${peer}`
  ),
  `touch ${quoted(NAMESPACES.map(([name]) => `/run/netns/${name}`))}`,
].join("\n");

/** How a shell starts, and what is typed first: `show` keeps its words. */
const SHELLS: {
  readonly [shell: string]: readonly [command: string, setup: string];
} = {
  bash: [
    "bash --norc --noprofile -i",
    `eval "$(mptcp completion bash)"
show() { printf '%s\\0' "$@" >>out; }
complete -F _mptcp show
shopt -s failglob; IFS=abcdefghi/01; set -u
`,
  ],
  zsh: [
    "zsh -f -i",
    `autoload -Uz compinit && compinit -u -D
eval "$(mptcp completion zsh)"
show() { printf '%s\\0' "$@" >>out }
compdef _mptcp show
setopt shwordsplit ksharrays
`,
  ],
  fish: [
    "fish --no-config -i",
    `mptcp completion fish | source
function show; printf '%s\\0' $argv >>out; end
complete -c show -f -a '(__mptcp_words)'
`,
  ],
};

for (const [shell, [command, setup]] of Object.entries(SHELLS)) {
  liveTest(
    `completion in ${shell} expands no name, and quotes it`,
    () => {
      const folder = Deno.makeTempDirSync({ prefix: "mptcp-" });
      try {
        Deno.symlinkSync(launcher, `${folder}/mptcp`);
        // What a glob of the names would match.
        Deno.writeTextFileSync(`${folder}/fooxy`, "");
        // No newline can be offered by lines.
        const namespaces = NAMESPACES.filter(([name]) =>
          shell !== "fish" || !name.includes("\n")
        );
        const typed = [
          ...DEVICES.map(([, start]) =>
            `show -n T endpoint add ::1 dev ${start}`
          ),
          ...namespaces.map(([, start]) => `show -n ${start}`),
        ];
        Deno.writeTextFileSync(
          `${folder}/typed`,
          `${setup}${typed.map((line) => `${line}\t\n`).join("")}exit\n`,
        );
        const { code, err } = run([
          ...["timeout", "300", "unshare", "-m", "sh", "-ec"],
          `${WORLD}\nexec script -qec '${command}' /dev/null <typed >shown`,
        ], {
          cwd: folder,
          env: {
            PATH: `${folder}:${environment()["PATH"]}`,
            TERM: "dumb",
            HOME: folder,
            XDG_CONFIG_HOME: `${folder}/.fish`,
            XDG_DATA_HOME: `${folder}/.fish`,
          },
        });
        const words = Deno.readTextFileSync(`${folder}/out`);
        assertEquals([code, err], [0, ""]);
        assertEquals(words.split("\0").slice(0, -1), [
          ...DEVICES.flatMap((
            [name],
          ) => ["-n", "T", "endpoint", "add", "::1", "dev", name]),
          ...namespaces.flatMap(([name]) => ["-n", name]),
        ]);
        // Whatever runs writes a file.
        assertEquals(
          Array.from(Deno.readDirSync(folder), ({ name }) => name)
            .filter((name) => !name.startsWith(".")).sort(),
          ["fooxy", "mptcp", "out", "shown", "typed"],
        );
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  );
}
