import type { UrlPattern } from "@longshore/storage";
import { RE2JS } from "re2js";

/**
 * Compiles a pattern of `validation.manifests.urls` (wire contract §11.1: RE2, unanchored), which matches in linear time.
 * Throws for syntax that RE2 doesn't support, such as look-around and back-references.
 */
export function compilePattern(source: string): UrlPattern {
  const compiled = RE2JS.compile(source);
  return { test: (url) => compiled.matcher(url).find() };
}
