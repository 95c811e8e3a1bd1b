/**
 * Shell completion. The scripts only ask: which words can come next is
 * decided by the tables.
 *
 * @module
 */

import { candidates } from "../words/completion.ts";
import { type Command, command, rest } from "../words/grammar.ts";

/**
 * The scripts. A candidate `@/folder` stands for the names in that folder.
 */
const SCRIPTS: { readonly [shell: string]: string } = {
  bash: `_mptcp() {
  local word
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    if [[ $word == @* ]]; then
      COMPREPLY+=($(compgen -W "$(ls "\${word#@}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
    else
      COMPREPLY+=("$word")
    fi
  done < <(mptcp completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _mptcp mptcp
`,
  zsh: `_mptcp() {
  local line
  local -a words_
  for line in "\${(@f)$(mptcp completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == @* ]]; then
      words_+=("\${\${line%%$'\\t'*}#@}"/*(N:t))
    else
      words_+=("\${line/$'\\t'/:}")
    fi
  done
  _describe mptcp words_
}
compdef _mptcp mptcp
`,
  fish: `function __mptcp_words
  set -l given (commandline -opc) (commandline -ct)
  for line in (mptcp completion words -- $given[2..-1] 2>/dev/null)
    if string match -q '@*' -- $line
      command ls (string replace -r '^@([^\\t]*).*' '$1' -- $line) 2>/dev/null
    else
      echo $line
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
    async run(_context, { words = [] }) {
      const found = await candidates(words);
      return {
        text: found.map(([word, help]) => `${word}\t${help}\n`).join(""),
        json: found.map(([word, help]) => ({ word, help })),
      };
    },
  }),
];
