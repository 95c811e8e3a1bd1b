import { type Command, command } from "../words/grammar.ts";

/** `mptcp export` */
export const COMMANDS: readonly Command[] = [
  command({
    summary: "Write a file of what there is; to apply it changes nothing",
    operands: {},
    async run(context) {
      const { configOf, exportState, readState } = await import(
        "../../config/mod.ts"
      );
      const state = readState({ namespace: context.place() });
      const { limits, settings, endpoints } = configOf(state);
      const { subflows, addAddrAccepted } = limits;
      return {
        text: exportState(state),
        json: {
          limits: { subflows, add_addr_accepted: addAddrAccepted },
          settings,
          endpoints: endpoints.map((one) => ({ ...one, place: undefined })),
        },
      };
    },
  }),
];
