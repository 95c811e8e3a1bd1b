import { Lab } from "../../testing/lab.ts";
import { HOST_FAULTS } from "../helpers/host_faults.ts";
import { Scene } from "../helpers/host_faults/scene.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";

const missing = Lab.missing() ?? missingProgram("nft", "--version");

for (const fault of HOST_FAULTS) {
  liveTest(`ss and nstat show the fault: ${fault.name}`, () => {
    // It fails where they show anything else.
    using _scene = Scene.open(fault);
  }, missing);
}
