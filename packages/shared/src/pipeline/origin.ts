import { ENDPOINT_WORDS } from "../wire/index.ts";

/** Where a datagram came from: a socket and an endpoint record among those of its batch. */
export class Origin {
  socket = -1;
  endpoints: Int32Array = new Int32Array(ENDPOINT_WORDS);
  endpointIndex = 0;
}
