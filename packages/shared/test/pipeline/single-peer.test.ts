import { describe, expect, it } from "vitest";
import { FrameView } from "../../src/packet/index.ts";
import type { Peer } from "../../src/peer/index.ts";
import { NOBODY, TAP_SIDE } from "../../src/pipeline/destinations.ts";
import { SinglePeer } from "../../src/pipeline/single-peer.ts";

const peer = (id: number) => ({ id }) as Peer;

describe("a client's peers", () => {
  it("get frames one at a time: the first, or the one that is used; all of them may send", () => {
    const peers = new SinglePeer();
    const frame = new FrameView();
    expect(peers.find(frame, 0)).toBe(NOBODY);
    const [first, second] = [peer(0), peer(1)];
    peers.add(first);
    peers.add(second);
    expect(peers.find(frame, 0)).toBe(0);
    peers.use(1);
    expect(peers.find(frame, 0)).toBe(1);
    for (const each of [first, second]) {
      expect([peers.admit(each, frame, 0), peers.onward(each, frame, 0)]).toEqual(["accepted", TAP_SIDE]);
    }
    peers.remove(second);
    expect(peers.peer(1)).toBeUndefined();
  });
});
