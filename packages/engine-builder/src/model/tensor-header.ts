/** What a model file says of one tensor, without its data. */
export interface TensorHeader {
  readonly name: string;
  /** As the file spells it, such as "BF16" or "Q4_1". */
  readonly dtype: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** Where the data begins, in bytes from the start of the file. */
  readonly offset: number;
  /** Bytes of the data. */
  readonly bytes: number;
}

/** Number of elements; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
