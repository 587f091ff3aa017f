/** What is known of one path, taken now and then for status and policies. Unknown is NaN. */
export interface PathQuality {
  /** Smoothed, both directions. */
  readonly rttMs: number;
  /** Lowest of the last 30 s. */
  readonly rttMinMs: number;
  readonly rttMaxMs: number;
  readonly rttVarMs: number;
  /** Of the receiving direction (RFC 3393). */
  readonly pdvMs: number;
  /** Smoothed one-way delay of the receiving direction above its minimum. */
  readonly owdQueueMs: number;
  /** Of the sending direction. */
  readonly plrRatio: number;
  /** Datagrams that failed authentication, of all received. */
  readonly perRatio: number;
  /** Datagrams with their IP and UDP headers if the owner counts them so. */
  readonly txKbps: number;
  readonly rxKbps: number;
  readonly txBytes: number;
  readonly rxBytes: number;
  /** Time in use, of all time since the path was made. */
  readonly availabilityRatio: number;
}
