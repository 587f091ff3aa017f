export { runConcentrator } from "./run-concentrator.ts";
