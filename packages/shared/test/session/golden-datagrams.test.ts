import { type CipherGCMTypes, createCipheriv, createDecipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { publicKeyOf } from "../../src/crypto/index.ts";
import { HandshakeInitiator, HandshakeResponder, type SessionEpoch, SessionIndexes } from "../../src/session/index.ts";
import {
  CIPHER_AUTH_ONLY_AES,
  CIPHER_CHACHA20_POLY1305,
  ControlReader,
  type ControlSink,
  ControlWriter,
  DatagramView,
  INNER_DUPLICATE,
  INNER_ORDERED,
  OUTER_OK,
  TYPE_CONTROL,
  TYPE_DATA,
} from "../../src/wire/index.ts";
import { source } from "./handshake-pair.ts";

/**
 * Exact bytes of every kind of datagram. A change here is a change of the wire format: it needs a new protocol version
 * and vectors beside these, not instead of them.
 */
interface Golden {
  clientPrivateKey: string;
  concentratorPrivateKey: string;
  presharedKey: string;
  source: string;
  wallMs: number;
  clientRunId: number;
  concentratorRunId: number;
  /** Random bytes in the order they are drawn: index and ephemeral key; ephemeral key and index; secret and nonce. */
  clientDraws: string[];
  concentratorDraws: string[];
  concentratorDrawsUnderLoad: string[];
  initiation: string;
  response: string;
  clientSendKey: string;
  clientReceiveKey: string;
  cookieReply: string;
  initiationWithCookie: string;
  sessionIndex: number;
  payload: string;
  /** The same frame by each cipher's number, sealed with the client's sending key. */
  data: string[];
  control: string;
  /** The messages of pairing. */
  enrolment: string;
}

const file = new URL("../../../../test/vectors/golden-datagrams.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;
const home = source(golden.source);

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

function hex(data: Uint8Array | null | undefined): string {
  return Buffer.from(data ?? []).toString("hex");
}

function scripted(draws: string[]): (size: number) => Uint8Array {
  const left = draws.map(bytes);
  return (size) => {
    const next = left.shift();
    if (next?.byteLength !== size) throw new Error(`the script has no ${size} bytes`);
    return next;
  };
}

function client(): { initiator: HandshakeInitiator; sent: Uint8Array[]; epochs: SessionEpoch[] } {
  const randomBytes = scripted(golden.clientDraws);
  const sent: Uint8Array[] = [];
  const epochs: SessionEpoch[] = [];
  const initiator = new HandshakeInitiator(
    {
      privateKey: bytes(golden.clientPrivateKey),
      peerPublicKey: publicKeyOf(bytes(golden.concentratorPrivateKey)),
      presharedKey: bytes(golden.presharedKey),
      encryption: "none",
      hasAes: true,
    },
    {
      randomBytes,
      random: () => 0,
      wallNowMs: () => golden.wallMs,
      indexes: new SessionIndexes(randomBytes),
      runId: golden.clientRunId,
    },
    { send: (datagram) => sent.push(datagram), established: (epoch) => epochs.push(epoch), event: () => {} },
  );
  return { initiator, sent, epochs };
}

function concentrator(draws: string[]): { responder: HandshakeResponder; sent: Uint8Array[]; epochs: SessionEpoch[] } {
  const randomBytes = scripted(draws);
  const sent: Uint8Array[] = [];
  const epochs: SessionEpoch[] = [];
  const responder = new HandshakeResponder(
    { privateKey: bytes(golden.concentratorPrivateKey), hasAes: true },
    { randomBytes, indexes: new SessionIndexes(randomBytes), runId: golden.concentratorRunId },
    { send: (datagram) => sent.push(datagram), established: (_id, epoch) => epochs.push(epoch) },
  );
  const publicKey = publicKeyOf(bytes(golden.clientPrivateKey));
  responder.addPeer({ id: "home1", publicKey, presharedKey: bytes(golden.presharedKey), encryption: "encrypted" });
  return { responder, sent, epochs };
}

describe("golden handshake", () => {
  it("is what a client sends, and what it takes", () => {
    const { initiator, sent, epochs } = client();
    initiator.start(0);
    expect(sent.map(hex)).toEqual([golden.initiation]);
    initiator.onDatagram(bytes(golden.response), 0);
    expect(epochs.map(({ sendKey }) => hex(sendKey))).toEqual([golden.clientSendKey]);
    expect(epochs.map(({ receiveKey }) => hex(receiveKey))).toEqual([golden.clientReceiveKey]);
    expect(epochs[0]).toMatchObject({ remoteIndex: golden.sessionIndex, farRunId: golden.concentratorRunId });
  });

  it("is what a concentrator takes, and what it sends", () => {
    const { responder, sent, epochs } = concentrator(golden.concentratorDraws);
    responder.onDatagram(bytes(golden.initiation), home, 0);
    expect(sent.map(hex)).toEqual([golden.response]);
    expect(epochs.map(({ receiveKey }) => hex(receiveKey))).toEqual([golden.clientSendKey]);
    expect(epochs[0]).toMatchObject({ localIndex: golden.sessionIndex, farRunId: golden.clientRunId });
  });

  it("has the cookie both ends make of it", () => {
    const { responder, sent } = concentrator(golden.concentratorDrawsUnderLoad);
    responder.onQueueDepth(1000, 0);
    responder.onDatagram(bytes(golden.initiation), home, 0);
    expect(sent.map(hex)).toEqual([golden.cookieReply]);
    const { initiator, sent: initiations } = client();
    initiator.start(0);
    initiator.onDatagram(bytes(golden.cookieReply), 0);
    expect(initiations.map(hex)).toEqual([golden.initiation, golden.initiationWithCookie]);
    responder.onDatagram(bytes(golden.initiationWithCookie), home, 1);
    expect(responder.drops["cookie-asked"]).toBe(1);
    expect(sent).toHaveLength(2);
  });
});

const HEADER = 16;
const TAG = 16;

/** Sealing as docs/wire-format.md says it, by node's own primitives. */
function aead(cipher: number, header: Uint8Array) {
  const algorithm = (cipher & 1) === CIPHER_CHACHA20_POLY1305 ? "chacha20-poly1305" : "aes-256-gcm";
  const nonce = Buffer.concat([header.subarray(0, 4), header.subarray(8, 16)]);
  return [algorithm as CipherGCMTypes, bytes(golden.clientSendKey), nonce, { authTagLength: TAG }] as const;
}

function sealed(cipher: number, header: Uint8Array, plain: Uint8Array): Uint8Array {
  const sealer = createCipheriv(...aead(cipher, header));
  if (cipher < CIPHER_AUTH_ONLY_AES) {
    sealer.setAAD(header);
    const body = [sealer.update(plain), sealer.final()];
    return Buffer.concat([header, ...body, sealer.getAuthTag()]);
  }
  sealer.setAAD(Buffer.concat([header, plain]));
  sealer.final();
  return Buffer.concat([header, plain, sealer.getAuthTag()]);
}

function opened(cipher: number, datagram: Uint8Array): Uint8Array {
  const header = datagram.subarray(0, HEADER);
  const body = datagram.subarray(HEADER, -TAG);
  const opener = createDecipheriv(...aead(cipher, header));
  opener.setAuthTag(datagram.subarray(-TAG));
  opener.setAAD(cipher < CIPHER_AUTH_ONLY_AES ? header : datagram.subarray(0, -TAG));
  const plain = cipher < CIPHER_AUTH_ONLY_AES ? opener.update(body) : body;
  opener.final();
  return plain;
}

describe("golden data datagram", () => {
  it.each([0, 1, 2, 3])("of cipher %i is written and read", (cipher) => {
    const pool = bytes("00".repeat(HEADER + 8) + golden.payload);
    const view = new DatagramView(pool);
    view.writeOuter(0, TYPE_DATA, 2, golden.sessionIndex, 0x1_0000_0203);
    view.writeInner(HEADER, INNER_ORDERED | INNER_DUPLICATE, 0x123456, 0x77, 0xabcdef);
    expect(hex(sealed(cipher, pool.subarray(0, HEADER), pool.subarray(HEADER)))).toBe(golden.data[cipher]);

    const datagram = bytes(golden.data[cipher] ?? "");
    const outer = new DatagramView(datagram);
    expect(outer.check(0, datagram.byteLength)).toBe(OUTER_OK);
    expect([outer.path(0), outer.session(0), outer.counter(0)]).toEqual([2, golden.sessionIndex, 0x1_0000_0203]);
    const plain = Uint8Array.from(opened(cipher, datagram));
    const inner = new DatagramView(plain);
    inner.readInner(0);
    expect(inner).toMatchObject({ flags: 0x21, sendTime: 0x123456, flowSlot: 0x77, sequence: 0xabcdef });
    expect(hex(plain.subarray(8))).toBe(golden.payload);
  });
});

describe("golden enrolment datagram", () => {
  it("is written", () => {
    const pool = new Uint8Array(512);
    new DatagramView(pool).writeOuter(0, TYPE_CONTROL, 2, golden.sessionIndex, 0x1_0000_0205);
    const writer = new ControlWriter(pool);
    writer.begin(HEADER, 400);
    writer.enrol(15, '{"version":1}');
    writer.enrolReply(15, '{"ok":true}');
    const plain = pool.subarray(HEADER, HEADER + writer.lengthBytes);
    expect(hex(sealed(0, pool.subarray(0, HEADER), plain))).toBe(golden.enrolment);
  });

  it("is read", () => {
    const plain = Uint8Array.from(opened(0, bytes(golden.enrolment)));
    const log: (string | number)[][] = [];
    const sink: Partial<ControlSink> = {
      onEnrol: (messageId, json) => log.push(["Enrol", messageId, json]),
      onEnrolReply: (messageId, json) => log.push(["EnrolReply", messageId, json]),
    };
    new ControlReader(plain).read(0, plain.byteLength, sink as ControlSink);
    expect(log).toEqual([
      ["Enrol", 15, '{"version":1}'],
      ["EnrolReply", 15, '{"ok":true}'],
    ]);
  });
});

describe("golden control datagram", () => {
  it("is written", () => {
    const pool = new Uint8Array(512);
    new DatagramView(pool).writeOuter(0, TYPE_CONTROL, 2, golden.sessionIndex, 0x1_0000_0204);
    const writer = new ControlWriter(pool);
    writer.begin(HEADER, 400);
    writer.probe(0x01020304);
    writer.probeReply(5, 60_000, 0x1_0000_0007, 0x2_0000_0008);
    writer.attach(9, '{"name":"isp1"}');
    writer.attachAck(10);
    writer.detach();
    writer.config(11, '{"mtu":1432}');
    writer.configAck(12);
    writer.close(1);
    writer.mtuProbe(13, 1472);
    writer.mtuAck(14, 1400);
    writer.bondMtu(1432);
    writer.padTo(160);
    const plain = pool.subarray(HEADER, HEADER + writer.lengthBytes);
    expect(hex(sealed(0, pool.subarray(0, HEADER), plain))).toBe(golden.control);
  });

  it("is read", () => {
    const plain = Uint8Array.from(opened(0, bytes(golden.control)));
    const log: (string | number)[][] = [];
    const note =
      (name: string) =>
      (...args: (string | number)[]) =>
        log.push([name, ...args]);
    const names = ["Probe", "ProbeReply", "Attach", "AttachAck", "Detach", "Config", "ConfigAck", "Close"];
    const all = [...names, "MtuProbe", "MtuAck", "BondMtu"].map((name) => [`on${name}`, note(name)]);
    new ControlReader(plain).read(0, plain.byteLength, Object.fromEntries(all) as ControlSink);
    expect(log).toEqual([
      ["Probe", 0x01020304],
      ["ProbeReply", 5, 60_000, 0x1_0000_0007, 0x2_0000_0008],
      ["Attach", 9, '{"name":"isp1"}'],
      ["AttachAck", 10],
      ["Detach"],
      ["Config", 11, '{"mtu":1432}'],
      ["ConfigAck", 12],
      ["Close", 1],
      ["MtuProbe", 13, 1472],
      ["MtuAck", 14, 1400],
      ["BondMtu", 1432],
    ]);
  });
});
