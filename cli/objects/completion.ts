/**
 * Shell completion. The scripts only ask: which words can come next is
 * decided by the tables.
 *
 * @module
 */

import type { Namespace } from "../../mod.ts";
import type { Context } from "../context.ts";
import { printable } from "../printable.ts";
import { candidates, netnsOf } from "../words/completion.ts";
import { endText, tokenText } from "./connection_output.ts";
import {
  type Candidate,
  type Command,
  command,
  rest,
} from "../words/grammar.ts";

/**
 * The scripts. A candidate `@/folder` stands for the names in that folder. None
 * of the words is ever expanded, what is on the line neither: anybody who may
 * make a device or a namespace chooses its name.
 */
const SCRIPTS: { readonly [shell: string]: string } = {
  bash: `_mptcp_plain() {
  case $1 in
    \\$\\'*) printf -v word %b "\${1:2:\${#1}-3}" ;;
    [\\"\\']*) word=\${1:1} word=\${word%[\\"\\']} ;;
    *) IFS= read word <<<"$1" ;;
  esac
}
_mptcp_offer() {
  local quoted
  case $1 in "$typed"*) ;; *) return ;; esac
  case \${COMP_WORDS[COMP_CWORD]}$1 in
    \\'*\\'* | \\"*[\\"\\$\\\`\\\\!]*) ;;
    [\\"\\']*) COMPREPLY+=("$1") ;;
    *) printf -v quoted %q "$1" && COMPREPLY+=("$quoted") ;;
  esac
}
_mptcp() {
  local word typed name
  local -a words=()
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    _mptcp_plain "$word"
    words+=("$word")
  done
  typed=\${word#=}
  while IFS=$'\\t' read -r word _; do
    if [[ $word == @/* ]]; then
      while IFS= read -rd "" name; do
        _mptcp_offer "\${name##*/}"
      done < <(set +f; shopt -s nullglob; shopt -u failglob; printf '%s\\0' "\${word#@}"/*)
    else
      _mptcp_offer "$word"
    fi
  done < <(mptcp completion words -- "\${words[@]}" 2>/dev/null)
}
complete -F _mptcp mptcp
`,
  zsh: `_mptcp() {
  local line word
  local -a words_ names
  for line in "\${(@f)$(mptcp completion words -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    word=\${line%%$'\\t'*}
    if [[ $word == @/* ]]; then
      names+=("\${word#@}"/*(N:t))
    elif [[ -n $word ]]; then
      words_+=("\${\${word//\\\\/\\\\\\\\}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  compadd -a names
  _describe mptcp words_
}
compdef _mptcp mptcp
`,
  fish: `function __mptcp_words
  set -l typed (commandline -ct | string unescape); or set typed ""
  set -l given (commandline -opc) "$typed"
  for line in (mptcp completion words -- $given[2..-1] 2>/dev/null)
    if string match -q '@/*' -- $line
      for path in (string replace -r '^@([^\\t]*).*' '$1' -- $line)/*
        string match -qr '[\\n\\t]' -- $path; or string replace -r '.*/' "" -- $path
      end
    else
      printf '%s\\n' $line
    end
  end
end
complete -c mptcp -f -a '(__mptcp_words)'
`,
};

/** The file that a shell reads when it starts. */
const FILES: { readonly [shell: string]: string } = {
  bash: 'in ~/.bashrc: eval "$(mptcp completion bash)"',
  zsh: 'in ~/.zshrc, after compinit: eval "$(mptcp completion zsh)"',
  fish: "in config.fish: mptcp completion fish | source",
};

/** `mptcp completion …` */
export const COMMANDS: readonly Command[] = [
  ...Object.entries(SCRIPTS).map(([shell, script]) =>
    command({
      word: shell,
      summary: `Print the script for ${shell}; ${FILES[shell]}`,
      operands: {},
      run: () => ({ text: script, json: script }),
    })
  ),
  command({
    word: "words",
    summary: "Print the words that can come next, as the scripts ask",
    form: "-- WORD…",
    operands: { words: rest("WORD…", "the words so far, the last one begun") },
    async run(context, { words = [] }) {
      const typed = words.at(-1) ?? "";
      const netns = await netnsOf(words);
      const all = await Promise.all(
        (await candidates(words))
          .map((candidate) => present(context, netns, candidate, typed)),
      );
      const found = all.flat()
        .filter(([word]) => word.startsWith(typed) || word.startsWith("@"));
      return {
        text: found.map(([word, help]) => `${word}\t${help}\n`).join(""),
        json: found.map(([word, help]) => ({ word, help })),
      };
    },
  }),
];

/** What a candidate stands for in a namespace. */
async function present(
  context: Context,
  netns: string | undefined,
  candidate: Candidate,
  typed: string,
): Promise<readonly Candidate[]> {
  const [word, help] = candidate;
  if (word === "@check") return await checks(typed);
  try {
    if (word === "@dev") {
      const names = devices(context.namespace(netns));
      return names.map((name) => [name, help]);
    }
    if (word === "@token") {
      const diag = await context.diag(netns);
      return Array.from(diag.connections(), ({ token, remote }) => [
        tokenText(token),
        `connection to ${endText(remote)}`,
      ]);
    }
    if (word !== "@id" && word !== "@address") return [candidate];
    const endpoints = context.pm(netns).dumpAddrs();
    return endpoints.map(({ id, address }) =>
      word === "@id" ? [`${id}`, address] : [address, `endpoint ${id}`]
    );
  } catch {
    // No such namespace, or no permission: there is nothing to offer.
    return [];
  }
}

/** The checks that a list can go on with. */
async function checks(typed: string): Promise<Candidate[]> {
  const { CHECK_NAMES, CHECKS } = await import("../../doctor/mod.ts");
  const given = typed.split(",").slice(0, -1);
  return CHECK_NAMES.filter((name) => !given.includes(name))
    .map((name) => [[...given, name].join(","), CHECKS[name].about]);
}

/** The names of the devices that a line can give as they are. */
function devices(namespace: Namespace): string[] {
  const table = namespace.readFile("/proc/thread-self/net/dev") ?? "";
  return Array.from(table.matchAll(/^ *([^\s:]+):/gm), ([, name]) => name!)
    .filter((name) => name === printable(name) && !name.includes("\ufffd"));
}
