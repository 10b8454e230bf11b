/** Collects where the header and its mirror differ. */
export class Drift {
  compared = 0;
  /** @type {string[]} */
  differences = [];

  /**
   * @param {string} what
   * @param {unknown} header
   * @param {unknown} typescript
   */
  compare(what, header, typescript) {
    this.compared++;
    const [expected, actual] = [header, typescript].map((value) => JSON.stringify(value) ?? "nothing");
    if (expected === actual) return;
    this.differences.push(`${what}\n  header:     ${expected}\n  TypeScript: ${actual}`);
  }

  /**
   * Compares the values of every name on either side.
   * @param {string} what
   * @param {Readonly<Record<string, unknown>>} header
   * @param {Readonly<Record<string, unknown>>} typescript
   */
  compareAll(what, header, typescript) {
    for (const name of new Set([...Object.keys(header), ...Object.keys(typescript)])) {
      this.compare(`${what} ${name}`, header[name], typescript[name]);
    }
  }
}
