/**
 * Coefficients of 0 or more that bring features closest to values, by weighted squares, with the weight of rows that are
 * far off reduced (Huber): one slow step in a hundred changes nothing.
 * Sources: Franc, Hlaváč and Navara, 2005 (sequential coordinate-wise non-negative least squares); Huber, 1964.
 * @param rows [row][feature]
 * @param values above 0; errors count relative to them
 */
export function fitNonNegative(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const features = rows[0]?.length ?? 0;
  let weights = values.map((value) => 1 / value ** 2);
  let coefficients = new Array<number>(features).fill(0);
  for (let round = 0; round < huberRounds; round += 1) {
    coefficients = solve(rows, values, weights);
    const errors = rows.map(
      (row, index) => Math.abs(dot(row, coefficients) - values[index]!) / values[index]!,
    );
    // 1.4826 times the median error is the standard deviation of what is not far off.
    const deviation = Math.max(1.4826 * median(errors), 1e-6);
    weights = values.map((value, index) => Math.min(1, (1.345 * deviation) / errors[index]!) / value ** 2);
  }
  return coefficients;
}

const huberRounds = 8;
const sweeps = 2000;

function solve(
  rows: readonly (readonly number[])[],
  values: readonly number[],
  weights: readonly number[],
): number[] {
  const features = rows[0]!.length;
  const scale = Array.from({ length: features }, (_, i) =>
    Math.sqrt(rows.reduce((sum, row, r) => sum + weights[r]! * row[i]! ** 2, 0)),
  );
  const product = (i: number, other: (row: number) => number) =>
    scale[i] === 0 ? 0 : rows.reduce((sum, row, r) => sum + weights[r]! * row[i]! * other(r), 0) / scale[i]!;
  const gram = scale.map((_, i) =>
    scale.map((unit, j) => (unit === 0 ? 0 : product(i, (r) => rows[r]![j]!) / unit)),
  );
  const right = scale.map((_, i) => product(i, (r) => values[r]!));
  const x = new Array<number>(features).fill(0);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    let change = 0;
    for (let i = 0; i < features; i += 1) {
      if (scale[i] === 0) continue;
      const next = Math.max(0, x[i]! + (right[i]! - dot(gram[i]!, x)) / gram[i]![i]!);
      change = Math.max(change, Math.abs(next - x[i]!));
      x[i] = next;
    }
    if (change < 1e-12 * Math.max(...x)) break;
  }
  return x.map((value, i) => (scale[i] === 0 ? 0 : value / scale[i]!));
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += a[index]! * b[index]!;
  return sum;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
