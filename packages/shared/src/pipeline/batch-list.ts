/** Who had to do with the batch at hand, each once. An array that is emptied gives up its memory; this keeps it. */
export class BatchList<T> {
  count = 0;
  readonly #items: (T | undefined)[] = [];

  /** Most often the same as the last time. */
  add(item: T): void {
    const { count } = this;
    if (count > 0 && this.#items[count - 1] === item) return;
    for (let i = 0; i < count - 1; i++) if (this.#items[i] === item) return;
    this.#items[count] = item;
    this.count = count + 1;
  }

  /** @param index below `count`. */
  at(index: number): T | undefined {
    return this.#items[index];
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.#items[i] = undefined;
    this.count = 0;
  }
}
