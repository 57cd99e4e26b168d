/** A clock that stands still while something can be done, and then jumps to what is due next. */

interface Due {
  readonly timeMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** Simulated time. */
export class TestClock {
  readonly #due: Due[] = [];
  #order = 0;

  constructor(public nowMs: number) {}

  /** Does something after a while; returns how to call it off. */
  after(delayMs: number, action: () => void): () => void {
    const due = { timeMs: this.nowMs + delayMs, order: (this.#order += 1), action };
    this.#due.push(due);
    return () => {
      const index = this.#due.indexOf(due);
      if (index >= 0) this.#due.splice(index, 1);
    };
  }

  /** Jumps to what is due next and does it; false if nothing is. */
  advance(): boolean {
    this.#due.sort((a, b) => a.timeMs - b.timeMs || a.order - b.order);
    const next = this.#due.shift();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.timeMs);
    next.action();
    return true;
  }
}
