import { redactText } from "@longshore/base/redact";
import type { Path } from "@longshore/options/report";
import { infoAt, walkKeys } from "@longshore/options/shape";
import type { z } from "zod";
import { formatPath, locate, valuesOf, type MapNode, type Source } from "./yaml/tree.js";

/** A value that the registry runs with. */
export interface Setting {
  /** `notifications.endpoints[0].url`. */
  readonly path: string;
  /** As it is written; undefined: it is, or may hold, a secret. */
  readonly value: string | undefined;
  /** Where it was given; undefined: nowhere, it is the default. */
  readonly source: Source | undefined;
}

/** The longest value that is shown (characters). */
const LONGEST = 512;

/** What a part of a path is called that may hold secrets of others, such as a header for a webhook. */
const HIDDEN = /^(?:authorization|cookie|environment|users|args|command)$/i;

/** Sections of which only those that are chosen have defaults that matter. */
const CHOSEN: readonly (string | number)[] = ["storage", "auth", "tokenserver", "middleware", "proxy", "redis"];

/** Every value of `root`, and the defaults of the keys that aren't in it. */
export function listSettings(root: MapNode, schema: z.core.$ZodType): readonly Setting[] {
  const settings: Setting[] = [];
  for (const [path, node] of valuesOf(root)) {
    const value = isHidden(path, schema) ? undefined : redactText(node.text).slice(0, LONGEST);
    settings.push({ path: formatPath(path), value, source: node.source });
  }
  walkKeys(schema, (path, { info, kind }) => {
    if (path.includes(0)) return false;
    const isSection = kind === "struct" || kind === "map";
    if (isSection || info?.fallback === undefined || locate(root, path).node !== undefined) return true;
    const isUsed = !CHOSEN.includes(path[0] ?? "") || locate(root, path.slice(0, -1)).node !== undefined;
    if (isUsed && !isHidden(path, schema))
      settings.push({ path: formatPath(path), value: info.fallback, source: undefined });
    return true;
  });
  return settings;
}

function isHidden(path: Path, schema: z.core.$ZodType): boolean {
  if (infoAt(schema, path).secret) return true;
  if (path[0] === "notifications" && path.includes("headers")) return true;
  return path.some((part) => typeof part === "string" && HIDDEN.test(part));
}
