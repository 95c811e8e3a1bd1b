/**
 * Shell completion. The scripts only ask: which words can come next is
 * decided here, by the tables.
 *
 * @module
 */

import { COMMANDS, OBJECTS, OPTIONS } from "../objects/commands.ts";
import { type Candidate, UsageError } from "./grammar.ts";
import { findCommand, type Found } from "./parse.ts";

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

/**
 * `mptcp completion SHELL` and `mptcp completion words -- WORD…`.
 *
 * @throws {UsageError} The shell is not known.
 */
export function completion(given: readonly string[]): string {
  const [shell, ...words] = given;
  if (shell === "words") {
    return candidates(words)
      .map(([word, help]) => `${word}\t${help}\n`).join("");
  }
  const known = Object.keys(SCRIPTS).join(", ");
  if (shell === undefined) {
    throw new UsageError(
      `Incomplete command "completion": one of ${known} is needed`,
    );
  }
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined || words.length > 0) {
    throw new UsageError(
      `Unknown shell "${given.join(" ")}": known are ${known}`,
    );
  }
  return script;
}

/**
 * The words that can stand where the last of `given` is.
 */
export function candidates(given: readonly string[]): Candidate[] {
  const typed = given.at(-1) ?? "";
  if (typed.startsWith("-")) {
    return OPTIONS.filter(([word]) => word.startsWith(typed));
  }
  return possible(given.slice(0, -1)).filter(([word]) =>
    word.startsWith(typed) || word.startsWith("@")
  );
}

function possible(before: readonly string[]): readonly Candidate[] {
  const last = before.findLast((word) => word !== "=");
  if (last === "-n" || last === "--netns") {
    return [["@/run/netns", "network namespace"]];
  }
  const words = withoutOptions(before);
  if (words.length === 0) return [...OBJECTS, ...OPTIONS];
  let found: Found;
  try {
    // As if for help, since an object alone is not complete yet.
    found = findCommand(words, words.length === 1);
  } catch {
    return [];
  }
  const [object] = found.path;
  if (object === "completion") {
    return found.rest.length > 0
      ? []
      : Object.keys(SCRIPTS).map((shell) => [shell, "shell"]);
  }
  if (found.command === undefined) {
    return COMMANDS.filter(({ words }) => words[0] === object)
      .map(({ words, summary }) => [words[1]!, summary]);
  }
  const operands = Object.values(found.command.operands);
  const asked = operands.find(({ words, takesValue }) =>
    takesValue && words.some(([word]) => word === last)
  );
  if (asked !== undefined) return asked.values;
  return operands.flatMap(({ words }) =>
    words.filter(([word]) => !found.rest.includes(word))
  );
}

/** Bash makes three words of `--netns=blue`. */
function withoutOptions(words: readonly string[]): string[] {
  return words.filter((word, index) =>
    !/^(-|=$)/.test(word) && !/^(-n|--netns|=)$/.test(words[index - 1] ?? "")
  );
}
