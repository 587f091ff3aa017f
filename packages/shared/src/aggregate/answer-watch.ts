/** A peer that has said nothing about so many frames for so long does not send feedback. */
const SILENT_MS = 3_000;
const SILENT_FRAMES = 20;

/** Whether the peer says anything about what it is sent. */
export class AnswerWatch {
  /** Frames sent since it last did. */
  frames = 0;
  /** When the first of them was sent. */
  #sinceMs = Number.NaN;

  onSent(nowMs: number): void {
    if (this.frames++ === 0) this.#sinceMs = nowMs;
  }

  onAnswer(): void {
    this.frames = 0;
  }

  waitedMs(nowMs: number): number {
    return this.frames === 0 ? 0 : nowMs - this.#sinceMs;
  }

  isSilent(nowMs: number): boolean {
    return this.frames >= SILENT_FRAMES && this.waitedMs(nowMs) > SILENT_MS;
  }
}
