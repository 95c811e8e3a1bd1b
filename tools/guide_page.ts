/**
 * Fills the console blocks of README.md and docs/ with what the commands print
 * in a laboratory. Needs root, python3 and jq.
 *
 * usage: deno task guide-page [PAGE…]
 *
 * A comment in the page says what happens before a block, in steps:
 * `<!-- lab: paths 2 rate 20; connect -->` makes a new laboratory, whose client
 * runs the blocks below it; `<!-- do: STEP; … -->` does more there;
 * `<!-- meanwhile: STEP; … -->` stands above a command that goes on. Blocks above
 * the first laboratory of a page, and below `<!-- lab: none -->`, stay as they
 * are. Blocks of code that begin with a comment of a file's name are that file.
 *
 * @module
 */

import { Lab, type LabConnection, until } from "../testing/lab.ts";
import {
  environment,
  launcher,
  shareModules,
} from "../tests/helpers/command_line.ts";
import { frames, onTerminal } from "../tests/helpers/pty.ts";
import { makeRegistry } from "../tests/helpers/registry.ts";
import { documents } from "../tests/helpers/shell_lines.ts";

const ROOT = new URL("../", import.meta.url);

/** What the page says of the laboratory, a file, or a console block. */
const PARTS =
  /<!-- (lab|do|meanwhile): (.*?) -->|^```(?:ts|yaml|sh|json)\n(?:\/\/|#) (\S+\.\w+)\n[^]*?^```$|(?<=^```console\n)[^]*?(?=^```$)/gm;

/** What draws on a terminal. */
const SCREEN = /^mptcp( -n client)? top$/;

/** How much is sent at once. */
const PIECE = 1_000_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function runIp(...args: string[]): string {
  const { stdout } = new Deno.Command("ip", { args }).outputSync();
  return new TextDecoder().decode(stdout);
}

/** What runs the blocks: the two hosts, and a folder of the user. */
class Scene implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "mptcp-guide-" });
  readonly #stack = new DisposableStack();
  readonly #jsr: string;
  #lab: Lab | undefined;
  #connection: LabConnection | undefined;
  #sending: Promise<unknown> = Promise.resolve();
  #code = 0;

  constructor() {
    this.#stack.defer(() => Deno.removeSync(this.folder, { recursive: true }));
    Deno.mkdirSync(`${this.folder}/bin`);
    Deno.mkdirSync(`${this.folder}/project`);
    Deno.symlinkSync(launcher, `${this.folder}/bin/mptcp`);
    Deno.mkdirSync(`${this.folder}/cache`);
    shareModules(`${this.folder}/cache`);
    this.#jsr = makeRegistry(`${this.folder}/registry`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.#stack.dispose();
  }

  get isOpen(): boolean {
    return this.#lab !== undefined;
  }

  /** Ends what was left running, and removes the laboratory. */
  async close(): Promise<void> {
    if (this.#lab === undefined) return;
    const { netns } = this.#lab.client;
    for (const pid of runIp("netns", "pids", netns).split("\n")) {
      if (pid !== "") Deno.kill(Number(pid), "SIGKILL");
    }
    this.#connection?.close();
    await this.#sending;
    this.#lab.close();
    this.#lab = this.#connection = undefined;
  }

  /** Makes another laboratory, or none. */
  async open(text: string): Promise<void> {
    await this.close();
    const [options, ...steps] = text.split("; ");
    if (options === "none") return;
    const [, paths, rate] = options!.match(/^paths (\d+)(?: rate (\d+))?$/)!;
    this.#lab = Lab.open({
      paths: Number(paths),
      ...rate !== undefined && { rate: Number(rate) },
    });
    const { client } = this.#lab;
    // The server is behind each path, as it is on the internet.
    for (let path = 2; path <= Number(paths); path++) {
      const route = ["dev", client.dev(path), "metric", `${path}00`];
      client.ip("route", "add", "10.77.1.0/24", ...route);
    }
    for (const step of steps) await this.step(step);
  }

  /** Does one thing that the page does not show. */
  async step(text: string): Promise<void> {
    const lab = this.#lab!;
    const [verb, ...values] = text.split(" ");
    const [number] = values.map(Number);
    const steps: Record<string, () => unknown> = {
      connect: () => {
        this.#connection?.close();
        this.#connection = lab.connect({ port: number ?? 443 });
        this.#connection.transfer(1000);
      },
      transfer: () => this.#connection!.transferAsync(number!),
      send: () => {
        const connection = this.#connection!;
        const end = performance.now() + number! * 1000;
        this.#sending = (async () => {
          while (performance.now() < end) {
            await connection.transferAsync(PIECE);
          }
        })().catch(() => {}); // The connection is closed before its time.
      },
      subflows: () =>
        until(() => lab.client.subflows().length === number, text),
      // Subflows and announcements take a moment after the first data.
      pause: () => pause(number! * 1000),
      cut: () => lab.cut(number!),
      restore: () => lab.restore(number!),
      close: () => this.#connection!.close(),
      "$": async () => {
        const { code, out } = await this.run(values.join(" "));
        if (code !== 0) throw new Error(`${text}: ${out}`);
      },
    };
    if (!(verb! in steps)) throw new Error(`Unknown step "${text}"`);
    await steps[verb!]!();
  }

  /** A command line as this laboratory has it. */
  #there(line: string): string {
    const { client, server } = this.#lab!;
    const isServer = / -n server\b/.test(line);
    const connection = this.#connection?.[isServer ? "server" : "client"];
    const token = connection?.token.toString(16).padStart(8, "0");
    return line.replaceAll(
      / (-n|exec) (client|server)\b/g,
      (_, how, name) =>
        ` ${how} ${name === "client" ? client.netns : server.netns}`,
    )
      .replaceAll(
        /(?<=\btoken )(0x)?\w{8}\b/g,
        (was, prefix = "") => token === undefined ? was : `${prefix}${token}`,
      );
  }

  /** What is printed, with the names of the page. */
  #here(text: string): string {
    const { client, server } = this.#lab!;
    return text.replaceAll(client.netns, "client")
      .replaceAll(server.netns, "server").replaceAll(`${this.folder}/`, "")
      .replaceAll(/(?<=Linux \d+\.\d+\.\d+)-[\w-]+/g, "");
  }

  #command(line: string, code = 0): Deno.Command {
    const script = `exec 2>&1; (exit ${code}); ${this.#there(line)}`;
    const env = environment();
    return new Deno.Command("ip", {
      args: ["netns", "exec", this.#lab!.client.netns, "bash", "-c", script],
      cwd: `${this.folder}/project`,
      env: {
        ...env,
        PATH: `${this.folder}/bin:${env["PATH"]}`,
        JSR_URL: this.#jsr,
        DENO_DIR: `${this.folder}/cache`,
      },
      stdin: "null",
      stdout: "piped",
    });
  }

  /** Runs a line to its end, or what draws on a terminal for some seconds. */
  async run(line: string): Promise<{ code: number; out: string }> {
    if (SCREEN.test(line)) {
      const command = [launcher, "-n", this.#lab!.client.netns, "top"];
      const session = await onTerminal(command, [
        { see: "\x1b[H" },
        { sleep: 4.5 },
        { type: "q" },
      ], { size: [90, 24] });
      return { code: 0, out: frames(session).at(-1)!.join("\n").trimEnd() };
    }
    const { code, stdout } = await this.#command(line, this.#code).output();
    this.#code = code;
    return { code, out: this.#here(new TextDecoder().decode(stdout)) };
  }

  /** Runs a line that goes on while something happens. */
  async during(line: string, steps: readonly string[]): Promise<string> {
    const child = this.#command(`exec ${line}`).spawn();
    const out = new Response(child.stdout).text();
    // Until it has begun.
    await this.step("pause 1");
    for (const step of steps) await this.step(step);
    try {
      child.kill("SIGINT");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    return this.#here(await out);
  }

  /** The block with what its commands print now. */
  async block(text: string, meanwhile?: string): Promise<string> {
    let block = "";
    for (const [, line] of text.matchAll(/^\$ ((?:.*\\\n)*.*)$/gm)) {
      const written = this.#here(this.#there(line!));
      const out = meanwhile === undefined
        ? (await this.run(line!)).out
        : await this.during(line!, meanwhile.split("; "));
      block += `$ ${written}\n${out}`;
      if (block.at(-1) !== "\n") block += "\n";
    }
    return block;
  }
}

/** A page, with what its commands print now. */
export async function freshPage(page: string): Promise<string> {
  await using scene = new Scene();
  let [fresh, end] = ["", 0];
  let meanwhile: string | undefined;
  for (
    const { 0: text, 1: kind, 2: what, 3: file, index } of page.matchAll(PARTS)
  ) {
    fresh += page.slice(end, index);
    end = index + text.length;
    if (kind === "lab") await scene.open(what!);
    else if (kind === "do") {
      for (const step of what!.split("; ")) await scene.step(step);
    } else if (kind === "meanwhile") meanwhile = what;
    else if (file !== undefined) {
      const code = text.replace(/^.*\n/, "").replace(/```$/, "");
      Deno.writeTextFileSync(`${scene.folder}/project/${file}`, code);
    } else if (scene.isOpen) {
      fresh += await scene.block(text, meanwhile);
      meanwhile = undefined;
      continue;
    }
    fresh += text;
  }
  return fresh + page.slice(end);
}

if (import.meta.main) {
  const pages = documents().filter((name) => name.endsWith(".md"));
  for (const name of Deno.args.length > 0 ? Deno.args : pages) {
    const path = new URL(name, ROOT);
    const page = Deno.readTextFileSync(path);
    if (!page.includes("<!-- lab: ")) continue;
    try {
      Deno.writeTextFileSync(path, await freshPage(page));
      console.log(name);
    } catch (error) {
      console.error(name, error);
      Deno.exitCode = 1;
    }
  }
}
