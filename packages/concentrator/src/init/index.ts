export { initConcentrator } from "./init-concentrator.ts";
