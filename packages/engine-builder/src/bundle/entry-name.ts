const maxSegmentBytes = 255;
/** Names that Windows gives to devices, with any extension. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const forbidden = /[<>:"|?*\\\p{Cc}]/u;

/** Why a file of this name cannot be part of an engine on every system; `undefined` where it can. */
function nameProblem(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.startsWith("/")) return "it is absolute";
  if (name !== name.normalize("NFC")) return "its characters are composed in an unusual way";
  for (const segment of name.split("/")) {
    if (segment === "" || segment === "." || segment === "..")
      return `it has the part ${JSON.stringify(segment)}`;
    if (forbidden.test(segment)) return "it has a character that some systems do not allow";
    if (/[. ]$/.test(segment)) return "a part of it ends in a dot or a space";
    if (devices.test(segment)) return "some systems take it for a device";
    if (Buffer.byteLength(segment) > maxSegmentBytes) return "a part of it is too long";
  }
  return undefined;
}

/** Why these names cannot lie in one directory on every system; `undefined` where they can. */
export function namesProblem(names: readonly string[]): string | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem !== undefined) return `the name ${JSON.stringify(name)} is refused: ${problem}`;
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) return `the names ${other} and ${name} differ only in case`;
    seen.set(folded, name);
  }
  for (const [folded, name] of seen) {
    const parents = folded.split("/").slice(0, -1);
    for (let depth = 1; depth <= parents.length; depth++) {
      const parent = seen.get(parents.slice(0, depth).join("/"));
      if (parent !== undefined) return `the name ${parent} is a file and the directory of ${name}`;
    }
  }
  return undefined;
}
