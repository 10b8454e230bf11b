/** Mulberry32: whole numbers below 2^32, the same for the same seed. */
export function randomIntegers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The same above 0 and below 1. */
export function randomNumbers(seed: number): () => number {
  const next = randomIntegers(seed);
  return () => (next() + 0.5) / 2 ** 32;
}
