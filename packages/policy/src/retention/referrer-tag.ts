/** The digest that a referrer's tag names: `sha256-<hex>` of the specification, `sha256-<hex>.sig` of cosign; undefined for others. */
export function subjectOfTag(tag: string): string | undefined {
  const [, algorithm, hex] = /^(sha256|sha384|sha512)-([a-f0-9]{64,128})(?:\.[a-z0-9]{1,16})?$/.exec(tag) ?? [];
  return algorithm === undefined || hex === undefined ? undefined : `${algorithm}:${hex}`;
}
