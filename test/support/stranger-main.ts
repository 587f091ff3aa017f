/**
 * `stranger-main.ts ADDRESS PORT COUNT SEED`: sends datagrams that look like wanbond's, and some that do not, to somebody
 * whose key it does not know, and prints how many were sent and how many answers came.
 */
import { DgramAsPromised } from "dgram-as-promised";
import { randomInteger, seededRandom } from "./random.ts";

/** Sizes of initiation, response and cookie reply, of short and long data datagrams, and of nonsense. */
const SIZES = [160, 84, 64, 0, 1, 15, 33, 200, 1472];
/** Quiet for this long at the end: nobody answers any more. */
const QUIET_MS = 500;
/** So many at once, then a turn of the event loop. */
const BURST = 100;

const [address = "", port = "", count = "", seed = ""] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const socket = DgramAsPromised.createSocket("udp4");
let answers = 0;
socket.socket.on("message", () => answers++);
await socket.bind();
for (let sent = 0; sent < Number(count); sent++) {
  const datagram = Buffer.alloc(SIZES[randomInteger(random, SIZES.length)] ?? 0);
  for (let at = 0; at < datagram.length; at++) datagram[at] = randomInteger(random, 256);
  // Most have the type of a message and zeros behind it, so that they get as far as they can.
  if (datagram.length >= 4 && sent % 8 !== 0) datagram.writeUInt32LE(1 + randomInteger(random, 5));
  const done = socket.send(datagram, Number(port), address);
  if (sent % BURST === 0) await done;
}
socket.setTimeout(QUIET_MS);
await socket.recv().catch(() => undefined);
process.stdout.write(JSON.stringify({ sent: Number(count), answers }));
await socket.close();
