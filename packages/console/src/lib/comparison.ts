/** How one thing differs between two images. */
export interface Difference {
  readonly key: string;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/** What differs between two sets of named values, by name. */
export function differences(
  left: Readonly<Record<string, string>>,
  right: Readonly<Record<string, string>>,
): readonly Difference[] {
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  return keys.map((key) => ({ key, left: left[key], right: right[key] })).filter((each) => each.left !== each.right);
}

/** `NAME=value` as named values. */
export function namedValues(env: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    env.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

interface Layer {
  readonly digest: string;
  readonly size: number;
}

/** Layers of two images: those that both have, and those of one of them. */
export function compareLayers<L extends Layer>(
  left: readonly L[],
  right: readonly L[],
): { readonly common: readonly L[]; readonly onlyLeft: readonly L[]; readonly onlyRight: readonly L[] } {
  const lefts = new Set(left.map(({ digest }) => digest));
  const rights = new Set(right.map(({ digest }) => digest));
  return {
    common: left.filter(({ digest }) => rights.has(digest)),
    onlyLeft: left.filter(({ digest }) => !rights.has(digest)),
    onlyRight: right.filter(({ digest }) => !lefts.has(digest)),
  };
}
