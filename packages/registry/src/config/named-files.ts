import type { FileUse } from "@longshore/options/declare";
import type { Path } from "@longshore/options/report";
import { infoAt } from "@longshore/options/shape";
import type { z } from "zod";
import { formatPath, type MapNode, type Node } from "./yaml/tree.js";

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

  function add(path: Path, node: Node): void {
    if (node.kind === "map") for (const [key, value] of node.entries) add([...path, key], value);
    else if (node.kind === "list") for (const [index, item] of node.items.entries()) add([...path, index], item);
    else {
      const use = infoAt(schema, path).info?.file;
      if (use !== undefined && node.text !== "" && node.value !== null && !NO_FILE.test(node.text))
        files.push({ key: formatPath(path), name: node.text, use });
    }
  }

  add([], root);
  return files;
}
