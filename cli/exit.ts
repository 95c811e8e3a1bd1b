/** How a run ends. */
export const EXIT: {
  readonly done: 0;
  /**
   * The kernel, or what stands between, could not be talked to; or a file could
   * not be read, or output not be written.
   */
  readonly unreachable: 1;
  /** The kernel refused. */
  readonly refused: 2;
  /** The doctor found a problem. */
  readonly problem: 3;
  /** What was waited for did not come in time, or somebody ended the wait. */
  readonly timedOut: 4;
  /** A plan has something to do. */
  readonly toDo: 5;
  /** The command line makes no sense. */
  readonly usage: 255;
} = {
  done: 0,
  unreachable: 1,
  refused: 2,
  problem: 3,
  timedOut: 4,
  toDo: 5,
  usage: 255,
};
