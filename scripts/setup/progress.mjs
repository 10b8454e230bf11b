const eraseLine = "\r\x1b[2K";

/** One line a step: redrawn each second on a terminal, printed at its start and end elsewhere. */
export class Progress {
  #title;
  #detail = "";
  #start = performance.now();
  #timer;

  /** @param {string} title */
  constructor(title) {
    this.#title = title;
    if (process.stdout.isTTY) {
      this.#draw();
      this.#timer = setInterval(() => this.#draw(), 1000);
    } else {
      console.log(`  ${title} …`);
    }
  }

  /** @param {string} line what the step is doing now */
  report(line) {
    this.#detail = line.trim();
    if (process.stdout.isTTY) this.#draw();
  }

  done() {
    this.#end("✓");
  }

  failed() {
    this.#end("✗");
  }

  #draw() {
    const line = `… ${this.#title} ${elapsed(this.#start)}  ${this.#detail}`;
    process.stdout.write(eraseLine + line.slice(0, (process.stdout.columns ?? 80) - 1));
  }

  /** @param {string} mark */
  #end(mark) {
    clearInterval(this.#timer);
    if (process.stdout.isTTY) process.stdout.write(eraseLine);
    console.log(`${mark} ${this.#title} (${elapsed(this.#start)})`);
  }
}

/** @param {number} start a reading of `performance.now()` */
export function elapsed(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
