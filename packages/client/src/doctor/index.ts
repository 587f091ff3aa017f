export { doctorClient } from "./doctor-client.ts";
