const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Items that are made when somebody asks, one batch at a time, and wait to be taken in order. */
export class PullQueue<T> {
  readonly #make: () => Promise<readonly T[] | undefined>;
  #items: T[] = [];
  #making: Promise<void> | undefined;
  #ended = false;

  /** @param make the next items, which may be none; `undefined` at the end. Never runs twice at once. */
  constructor(make: () => Promise<readonly T[] | undefined>) {
    this.#make = make;
  }

  /** Rejects where making failed; after that, and after the end, it is done. */
  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#items.length === 0) {
      if (this.#ended) return done;
      await this.#fill();
    }
    return { done: false, value: this.#items.shift()! };
  }

  /** @param release what the items are made of, once who iterates has left */
  iterator(release: () => unknown): AsyncIterator<T, undefined> {
    return {
      next: () => this.next(),
      return: async () => {
        this.end();
        await release();
        return done;
      },
    };
  }

  /** Makes all items. They stay here to be taken. */
  async drain(): Promise<void> {
    while (!this.#ended) await this.#fill();
  }

  /** Drops what was not taken and makes no more. */
  end(): void {
    this.#ended = true;
    this.#items = [];
  }

  #fill(): Promise<void> {
    this.#making ??= this.#makeItems().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #makeItems(): Promise<void> {
    try {
      const items = await this.#make();
      if (items === undefined) this.#ended = true;
      else if (!this.#ended) this.#items.push(...items);
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }
}
