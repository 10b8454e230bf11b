/** Requests by the step in which they end, the first on top. */
export class StepHeap {
  readonly #steps: number[] = [];
  readonly #requests: number[] = [];

  get size(): number {
    return this.#steps.length;
  }

  get firstStep(): number {
    return this.#steps[0] ?? Number.POSITIVE_INFINITY;
  }

  get first(): number {
    return this.#requests[0]!;
  }

  push(step: number, request: number): void {
    let index = this.#steps.length;
    this.#steps.push(step);
    this.#requests.push(request);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#steps[parent]! <= step) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#steps[index] = step;
    this.#requests[index] = request;
  }

  pop(): number {
    const top = this.#requests[0]!;
    const step = this.#steps.pop()!;
    const request = this.#requests.pop()!;
    const size = this.#steps.length;
    if (size === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#steps[child + 1]! < this.#steps[child]!) child += 1;
      if (this.#steps[child]! >= step) break;
      this.#move(child, index);
      index = child;
    }
    this.#steps[index] = step;
    this.#requests[index] = request;
    return top;
  }

  #move(from: number, to: number): void {
    this.#steps[to] = this.#steps[from]!;
    this.#requests[to] = this.#requests[from]!;
  }
}
