export { LineMeter } from "./line-meter.ts";
export { linesOf } from "./lines-of.ts";
export { measureWithoutProgram } from "./short-session.ts";
