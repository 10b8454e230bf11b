const firstLetter = "A".charCodeAt(0);
const shown = 72;

/** In which order the tokens of several requests come; a live count of them on a terminal. */
export class Arrivals {
  readonly #counts: number[];
  #order = "";

  constructor(requests: number) {
    this.#counts = new Array<number>(requests).fill(0);
  }

  add(request: number, tokens: number): void {
    this.#counts[request]! += tokens;
    this.#order += letter(request).repeat(tokens);
    if (!process.stdout.isTTY) return;
    const counts = this.#counts.map((count, index) => `${letter(index)} ${String(count).padStart(2)}`);
    process.stdout.write(`\r${counts.join("  ")}`);
  }

  print(): void {
    if (process.stdout.isTTY) process.stdout.write("\n\n");
    console.log(`Order of the first tokens, by request: ${this.#order.slice(0, shown)} …`);
  }
}

export function letter(request: number): string {
  return String.fromCharCode(firstLetter + request);
}
