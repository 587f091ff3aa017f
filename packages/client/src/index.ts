export { doctorClient } from "./doctor/index.ts";
export { joinClient } from "./join/index.ts";
export { runClient } from "./run-client.ts";
