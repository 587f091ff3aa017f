/** Packet slots handed over, in order. The reader sets `count` to 0 when it has taken them. */
export interface SlotVector {
  /** Has room for every slot of the packet pool, so that it cannot overflow. */
  readonly slots: Int32Array;
  count: number;
}
