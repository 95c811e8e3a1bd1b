/**
 * Replays a number of events, and prints what it costs as JSON.
 *
 * @module
 */

import { replay } from "../helpers/replay.ts";

console.log(JSON.stringify(await replay(Number(Deno.args[0]))));
