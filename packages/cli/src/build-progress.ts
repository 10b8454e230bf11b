import type { BuildEvent } from "@trtllm-node/engine-builder";

/** Tells on stderr how a build goes: a line for what changes, and on a terminal one that moves. */
export class BuildProgress {
  readonly #verbose: boolean;
  readonly #moving = process.stderr.isTTY === true;
  #startedAt = performance.now();

  constructor(verbose: boolean) {
    this.#verbose = verbose;
  }

  report(event: BuildEvent): void {
    if (event.kind === "stage") {
      if (event.state === "started") this.#startedAt = performance.now();
      const time = event.state === "finished" ? ` (${this.#elapsed()})` : "";
      this.#line(`${event.stage} ${event.state}${time}`);
    } else if (event.kind === "command") {
      this.#line(`$ ${event.line}`);
    } else if (event.kind === "progress") {
      const percent = Math.round(event.fraction * 100);
      this.#move(`${event.stage} ${percent} %, ${this.#elapsed()}: ${event.message}`);
    } else if (event.kind === "output") {
      if (this.#verbose) this.#line(event.line);
    } else if (event.kind !== "measure") {
      this.#line(`${event.kind}: ${event.message}`);
    }
  }

  /** Clears the line that moves. */
  end(): void {
    if (this.#moving) process.stderr.write("\r\x1b[2K");
  }

  #line(text: string): void {
    this.end();
    process.stderr.write(`${text}\n`);
  }

  #move(text: string): void {
    if (this.#moving) process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  #elapsed(): string {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}
