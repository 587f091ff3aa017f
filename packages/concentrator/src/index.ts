export { doctorConcentrator } from "./doctor-concentrator.ts";
export { initConcentrator } from "./init/index.ts";
export { runConcentrator } from "./run-concentrator.ts";
