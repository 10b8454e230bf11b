/**
 * How lengths of prompts and answers go together. Cell [i][j] counts requests whose prompt has 2^i to 2^(i+1) - 1 tokens
 * and whose answer has 2^j to 2^(j+1) - 1; lengths of 0 are in the first.
 */
export interface JointLengths {
  readonly counts: readonly (readonly number[])[];
  /** Pearson's correlation of the logarithms of both lengths, plus one. */
  readonly correlation: number;
}

export function jointLengths(pairs: readonly (readonly [prompt: number, answer: number])[]): JointLengths {
  const octave = (length: number) => Math.floor(Math.log2(Math.max(length, 1)));
  const rows = highest(pairs.map(([prompt]) => octave(prompt))) + 1;
  const columns = highest(pairs.map(([, answer]) => octave(answer))) + 1;
  const counts = Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  for (const [prompt, answer] of pairs) counts[octave(prompt)]![octave(answer)]! += 1;
  return { counts, correlation: correlation(pairs.map(([a, b]) => [Math.log1p(a), Math.log1p(b)])) };
}

function correlation(pairs: readonly (readonly [number, number])[]): number {
  const mean = (index: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[index], 0) / pairs.length;
  const [meanA, meanB] = [mean(0), mean(1)];
  let [aa, bb, ab] = [0, 0, 0];
  for (const [a, b] of pairs) {
    aa += (a - meanA) ** 2;
    bb += (b - meanB) ** 2;
    ab += (a - meanA) * (b - meanB);
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -1);
}
