export { joinClient } from "./join-client.ts";
