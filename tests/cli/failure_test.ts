/** What somebody meant who left a word out. */
import { assertEquals } from "@std/assert";
import { run } from "../helpers/run_main.ts";

/** Lines that lack something, and what is proposed; nothing: nothing is. */
const ROWS: Readonly<Record<string, string | undefined>> = {
  "limits subflows 2": '"limits set subflows"',
  "limits set 2": '"subflows 2" or "add_addr_accepted 2"',
  "endpoint add 10.0.2.1 eth2 subflow": '"dev eth2"',
  "endpoint delete 3": '"id 3" or "port 3"',
  "doctor 10.77.1.2:443": '"to 10.77.1.2:443"',
  "doctor example.org": '"to example.org"',
  "doctor [fd00::1]:443": '"to [fd00::1]:443"',
  "connection 10.77.1.2": '"to 10.77.1.2" or "from 10.77.1.2"',
  "connection fd00::1": '"to fd00::1" or "from fd00::1"',
  "connection 1a6d021d": '"token 1a6d021d"',
  "top 2": '"interval 2"',
  "record 5s": '"for 5s" or "interval 5s"',
  "manage on-demand wlan*": '"dev wlan*"',
  "manage on-demand 500ms": '"rto 500ms" or "silence 500ms" or "health 500ms"',
  "subflow create token 5 10.0.0.1": '"laddr 10.0.0.1" or "raddr 10.0.0.1"',
  "report anonymize": '"--anonymize"',
  "show": '"endpoint show" or "limits show" or "connection show"',
  "flush": '"endpoint flush"',
  // A slip is more probable than a word too few.
  "endpoint add 10.0.2.1 singal": '"signal"',
  "doctor strct": undefined,
  "endpoint 10.0.0.1": undefined,
  "completion bash zsh": undefined,
  "schema eth1": undefined,
};

Deno.test("a line that lacks a word gets it proposed", async () => {
  for (const [line, words] of Object.entries(ROWS)) {
    const { code, err } = await run(line);
    const hint = err.match(/^hint: did you mean (.*)\?$/m)?.[1];
    assertEquals([line, code, hint], [line, 255, words]);
  }
});
