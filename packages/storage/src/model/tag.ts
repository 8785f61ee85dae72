import { StorageError } from "../errors.js";

declare const brand: unique symbol;

/** A verified tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution-spec §Pulling manifests). */
export type TagName = string & { readonly [brand]: "TagName" };

const GRAMMAR = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Whether `text` is a tag. */
export function isTagName(text: string): text is TagName {
  return GRAMMAR.test(text);
}

/** Parses a tag. Throws TAG_INVALID. */
export function parseTagName(text: string): TagName {
  if (isTagName(text)) return text;
  throw new StorageError({ code: "TAG_INVALID", tag: text });
}
