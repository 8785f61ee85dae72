import type { JSX } from "preact";
import { safeLink } from "../lib/links.js";

/** Text from a manifest: a link if it is the address of a page, and its own direction of writing. */
export function SafeText({ value }: { readonly value: string }): JSX.Element {
  const address = safeLink(value);
  return address === undefined ? (
    <bdi class="free">{value}</bdi>
  ) : (
    <a class="free" href={address} target="_blank" rel="noopener noreferrer nofollow">
      <bdi>{value}</bdi>
    </a>
  );
}
