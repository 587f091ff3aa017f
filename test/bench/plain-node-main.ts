/**
 * The tunnel one would write first: descriptor 3 is a TAP, every frame from it is a datagram and the other way round.
 * `FROM TO PORT`
 */
import { createSocket } from "node:dgram";
import { read, writeSync } from "node:fs";

const TAP = 3;
const [from, to, portText] = process.argv.slice(2);
const port = Number(portText);

const socket = createSocket({ type: "udp4", recvBufferSize: 4_194_304, sendBufferSize: 4_194_304 });
socket.on("message", (datagram) => writeSync(TAP, datagram)); // In order, and cheaper than the way by a thread.
socket.on("error", () => undefined);

function readFrame(): void {
  const frame = Buffer.allocUnsafe(2048);
  read(TAP, frame, 0, frame.length, null, (error, bytes) => {
    if (error === null) socket.send(frame, 0, bytes, port, to, () => undefined);
    readFrame();
  });
}

socket.bind(port, from, readFrame);
