export {
  generator,
  generatorAt,
  pick,
  type Random,
} from "../../testing/random.ts";
