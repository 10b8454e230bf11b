/**
 * The items of all sources as they come. Of each source one item at most is read ahead. Fails with the first source
 * that does; whoever began the others ends them.
 */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, undefined> {
  const ready: { iterator: AsyncIterator<T>; result: IteratorResult<T> }[] = [];
  let failure: { error: unknown } | undefined;
  let wake = () => {};
  const read = (iterator: AsyncIterator<T>) => {
    iterator.next().then(
      (result) => {
        ready.push({ iterator, result });
        wake();
      },
      (error: unknown) => {
        failure ??= { error };
        wake();
      },
    );
  };
  for (const source of sources) read(source[Symbol.asyncIterator]());
  for (let running = sources.length; running > 0; ) {
    const next = ready.shift();
    if (next === undefined) {
      if (failure !== undefined) throw failure.error;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    if (next.result.done) running -= 1;
    else {
      yield next.result.value;
      read(next.iterator);
    }
  }
}
