/**
 * Prints what the doctor finds here, as JSON.
 *
 * @module
 */

import { collect, diagnose } from "../../doctor/mod.ts";

console.log(JSON.stringify(diagnose(await collect())));
