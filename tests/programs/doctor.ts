/**
 * Prints what the doctor finds here, as JSON; its argument are the options of
 * `collect()`.
 *
 * @module
 */

import { collect, diagnose } from "../../doctor/mod.ts";

const [input = "{}"] = Deno.args;
console.log(JSON.stringify(diagnose(await collect(JSON.parse(input)))));
