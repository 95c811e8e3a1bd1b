/**
 * The conditions of `examples/ansible/` agree with what the commands end with and
 * print. docs/keep.md has what real Ansible says of them.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/yaml";
import { EXIT } from "../../cli/exit.ts";
import { FakeInterfaces, FakeKernel } from "../../testing/mod.ts";
import { root } from "../helpers/command_line.ts";
import { run } from "../helpers/run_main.ts";

interface Task {
  readonly name: string;
  readonly "ansible.builtin.command"?: {
    readonly argv: readonly string[];
    readonly stdin?: string;
  };
  readonly register?: string;
  readonly check_mode?: boolean;
  readonly when?: string;
  readonly changed_when?: string;
  readonly failed_when?: string;
}

const FOLDER = `${root}examples/ansible`;
const read = (name: string) => Deno.readTextFileSync(`${FOLDER}/${name}`);
const tasks = parse(read("tasks.yaml")) as Task[];
const FILE = "/etc/mptcp.yaml";

/** Runs the command of a task, as Ansible does. */
async function perform(
  { "ansible.builtin.command": command }: Task,
  kernel: FakeKernel,
) {
  const [program, ...args] = command!.argv.map((word) =>
    word.replace(/^\{\{ \w+ \| default\('(.*)'\) \}\}$/, "$1")
  );
  assertEquals(program, "mptcp");
  const text = kernel.files.get(FILE) as string;
  return await run(args, kernel, undefined, command!.stdin && text);
}

/** Whether a number is in the list of a condition. */
function isIn(condition: string, code: number): boolean {
  const [, not, list] = /^\w+\.rc (not )?in \[([\d, ]+)\]$/.exec(condition)!;
  return list!.split(", ").map(Number).includes(code) === (not === undefined);
}

Deno.test("the conditions of the Ansible tasks agree with the commands", async () => {
  const [check, copy, act] = tasks as [Task, Task, Task];
  assert("ansible.builtin.copy" in copy);
  // What changes nothing runs with --check, what changes something does not.
  assertEquals([check.check_mode, act.check_mode], [false, undefined]);
  assertEquals(act.when, "not ansible_check_mode");
  const { todo } = check.changed_when!.match(/\.rc == (?<todo>\d+)$/)!.groups!;
  assertEquals(Number(todo), EXIT.toDo);
  const { key } = act.changed_when!.match(/from_json\)\.(?<key>\w+) \|/)!
    .groups!;
  assertEquals(act.failed_when, `${act.register}.rc != ${EXIT.done}`);
  const kernel = new FakeKernel();
  kernel.files.set("/proc/sys/kernel/osrelease", "6.18.44\n");
  kernel.interfaces = new FakeInterfaces();
  kernel.interfaces.addresses.push({ address: "10.0.0.1", dev: "eth0" });
  kernel.files.set(FILE, read("mptcp.yaml"));
  for (const isFirst of [true, false]) {
    const planned = await perform(check, kernel);
    assertEquals(planned.code, isFirst ? EXIT.toDo : EXIT.done);
    assertEquals(isIn(check.failed_when!, planned.code), false);
    const applied = await perform(act, kernel);
    assertEquals(applied.code, EXIT.done);
    assertEquals(JSON.parse(applied.out)[key!], isFirst);
  }
  // Each kind of error fails, whatever it prints.
  kernel.files.set("/proc/30/comm", "mptcpd\n");
  kernel.files.set(FILE, "endpoints: []");
  assertEquals((await perform(act, kernel)).code, EXIT.refused);
  kernel.files.set(FILE, "endpoint: []");
  for (const task of [check, act]) {
    const { code, out, err } = await perform(task, kernel);
    assertEquals([code, out], [EXIT.usage, ""]);
    assertMatch(err, /unknown key/);
    assert(isIn(check.failed_when!, code));
  }
});
