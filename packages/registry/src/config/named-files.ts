import type { FileUse } from "@longshore/options/declare";
import { infoAt } from "@longshore/options/shape";
import type { z } from "zod";
import { formatPath, valuesOf, type MapNode } from "./yaml/tree.js";

/** A file or directory of this machine that a configuration names. */
export interface NamedFile {
  /** The key: `http.tls.certificate`. */
  readonly key: string;
  readonly name: string;
  readonly use: FileUse;
}

/** What may be given in place of a file's name. */
const NO_FILE = /^(?:stdout$|stderr$|https?:)/;

/** Every file and directory that is named in `root`. */
export function listFiles(root: MapNode, schema: z.core.$ZodType): readonly NamedFile[] {
  const files: NamedFile[] = [];
  for (const [path, node] of valuesOf(root)) {
    const use = infoAt(schema, path).info?.file;
    if (use !== undefined && node.text !== "" && node.value !== null && !NO_FILE.test(node.text))
      files.push({ key: formatPath(path), name: node.text, use });
  }
  return files;
}
