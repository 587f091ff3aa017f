import { LossMeter } from "./loss-meter.ts";
import { PdvEstimator } from "./pdv-estimator.ts";
import { ProbeLog } from "./probe-log.ts";
import type { PathQuality } from "./quality.ts";
import { RttEstimator } from "./rtt-estimator.ts";
import { TrafficWatch } from "./traffic-watch.ts";

/** RTT above its minimum that shows a standing queue. */
const QUEUE_MS = 50;

/** What one path has shown so far: what the verdicts about it rest on. */
export class PathEvidence {
  readonly rtt = new RttEstimator();
  readonly pdv = new PdvEstimator();
  readonly probes = new ProbeLog();
  readonly loss = new LossMeter();
  readonly traffic: TrafficWatch;
  /** Last authentic datagram, and last answer to a probe. */
  heardMs = Number.NEGATIVE_INFINITY;
  replyMs = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.traffic = new TrafficWatch(nowMs);
  }

  /** The line is full of what we send: then loss and delay are no fault of the line. */
  ownQueue(nowMs: number): boolean {
    return this.traffic.loaded(nowMs) && this.rtt.queueMs > QUEUE_MS;
  }

  /** @param availabilityRatio of its life, the part in which it was in use. */
  quality(availabilityRatio: number, nowMs: number): PathQuality {
    return {
      rttMs: this.rtt.smoothedMs,
      rttMinMs: this.rtt.minMs,
      rttMaxMs: this.rtt.maxMs,
      rttVarMs: this.rtt.variationMs,
      pdvMs: this.pdv.pdvMs,
      owdQueueMs: this.pdv.owdQueueMs,
      plrRatio: this.loss.plrRatio,
      perRatio: this.loss.perRatio,
      txKbps: this.traffic.tx.kbps(nowMs),
      rxKbps: this.traffic.rx.kbps(nowMs),
      txBytes: this.traffic.tx.totalBytes,
      rxBytes: this.traffic.rx.totalBytes,
      availabilityRatio,
    };
  }
}
