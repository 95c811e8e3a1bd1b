import { PathManager } from "../../ops/path_manager.ts";
import type { FakeKernel } from "../../testing/fake_kernel.ts";

/** Does what another program does while a command is under way. */
export function meanwhile(
  kernel: FakeKernel,
  act: (pm: PathManager) => void,
): void {
  const { distort } = kernel;
  kernel.distort = (answer) => answer;
  using pm = PathManager.open({ namespace: kernel });
  act(pm);
  kernel.distort = distort;
}
