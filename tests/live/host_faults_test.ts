import { Lab } from "../../testing/lab.ts";
import { HEALTHY_HOSTS, HOST_FAULTS } from "../helpers/host_faults.ts";
import { Scene } from "../helpers/host_faults/scene.ts";
import { liveTest, missingProgram } from "../helpers/live.ts";

const missing = Lab.missing() ?? missingProgram("nft", "--version");

for (const state of [...HOST_FAULTS, ...HEALTHY_HOSTS]) {
  liveTest(`ss and nstat show the state of a host: ${state.name}`, () => {
    // It fails where they show anything else.
    using _scene = Scene.open(state);
  }, missing);
}
