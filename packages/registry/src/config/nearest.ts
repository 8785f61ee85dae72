import type { Path } from "@longshore/options/report";

/**
 * The number of edits that turn one word into another: inserting, deleting or replacing a letter, or swapping two
 * neighbours.
 */
export function editDistance(a: string, b: string): number {
  let previous: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const before = previous;
    previous = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(before, j - 2) + 1);
      row.push(best);
    }
  }
  return at(row, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

/**
 * The candidate that a misspelt word most likely means; undefined if none is near, or all need more than `furthest` edits.
 */
export function nearest(word: string, candidates: Iterable<string>, furthest = Infinity): string | undefined {
  if (word.length > 64) return undefined;
  const wanted = word.toLowerCase();
  let found: string | undefined;
  let best = Math.min(furthest, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < best) [found, best] = [candidate, distance];
  }
  return found;
}

/**
 * Whether an unknown key may be a misspelt or misplaced `auth`, `access` or `tokenserver`, or a misspelt client CA. Ignoring it would leave
 * a registry open that was meant to be protected, so it is an error rather than a warning.
 * @param above the keys that contain it
 */
export function concernsAccess(name: string, above: Path): boolean {
  const word = name.toLowerCase();
  if (/^(auth|htpasswd|mtls)$/.test(word) || ["clientcas", "clientauth"].some((key) => editDistance(word, key) <= 2))
    return true;
  // `log.access` concerns a log.
  if (above.length > 0) return word === "access" && above[0] !== "log";
  return (
    /^(o?auth|acc?ess?[-_]?(control|rule|list)|acls?$|rules?$|permissions?$|token$|silly$)/.test(word) ||
    editDistance(word, "auth") <= 1 ||
    editDistance(word, "access") <= 2 ||
    editDistance(word, "tokenserver") <= 3
  );
}
