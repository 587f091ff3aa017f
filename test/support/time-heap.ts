/** Things to be done at a time: earliest first, those of the same time in the order they were put in. */
export class TimeHeap<T> {
  readonly #items: T[] = [];
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  #order = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Infinity when empty. */
  get firstMs(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  push(timeMs: number, item: T): void {
    const order = this.#order++;
    let at = this.#items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#times[parent] as number) <= timeMs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, timeMs, order, item);
  }

  /** Takes the first item out; there must be one. */
  pop(): T {
    const first = this.#items[0] as T;
    const timeMs = this.#times.pop() as number;
    const order = this.#orders.pop() as number;
    const item = this.#items.pop() as T;
    const size = this.#items.length;
    if (size === 0) return first;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#isBefore(child + 1, child)) child++;
      const childMs = this.#times[child] as number;
      if (timeMs < childMs || (timeMs === childMs && order < (this.#orders[child] as number))) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, timeMs, order, item);
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = (this.#times[a] as number) - (this.#times[b] as number);
    return difference < 0 || (difference === 0 && (this.#orders[a] as number) < (this.#orders[b] as number));
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from] as number, this.#orders[from] as number, this.#items[from] as T);
  }

  #put(at: number, timeMs: number, order: number, item: T): void {
    this.#times[at] = timeMs;
    this.#orders[at] = order;
    this.#items[at] = item;
  }
}
