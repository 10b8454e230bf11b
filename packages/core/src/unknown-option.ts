import { closest, distance } from "fastest-levenshtein";

/**
 * Says that an option does not exist, and which one may have been meant.
 * @param path where it was given, such as `["kvCache", "maxTokns"]`
 * @param known the options that exist there
 */
export function unknownOption(path: readonly PropertyKey[], known: readonly string[]): string {
  const name = String(path.at(-1));
  const best = closest(name, [...known]);
  const close = distance(name.toLowerCase(), best.toLowerCase()) <= Math.max(2, name.length / 3);
  const hint = close ? `did you mean "${best}"?` : `known are ${known.join(", ")}.`;
  return `Unknown option "${path.join(".")}": ${hint}`;
}
