/** Three digits, with commas between thousands. */
export function formatNumber(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en");
}
