import { digest, list, number, object, optional, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";
import { repositoryPath } from "./paths.js";

const file = object({
  /** Without a slash at its beginning or end; empty: the root. */
  path: text,
  type: text,
  size: number,
  /** Permission bits, in octal. */
  mode: text,
  /** Where a link leads, as it is written. */
  link: optional(text),
  /** Of the layers below: this path is gone, or everything in this directory is. */
  removes: optional(text),
});
/** What a layer has at a path. */
export type LayerFile = Decoded<typeof file>;

const files = object({ digest, compression: text, table: optional(text), cutBy: optional(text), files: list(file) });
/** The files of a layer, and what ended their list early. */
export type LayerFiles = Decoded<typeof files>;

/** A layer of a manifest. */
export interface LayerOf {
  readonly name: string;
  readonly manifest: string;
  readonly layer: string;
  /** Reads the layer itself, even if it has a table of its files. */
  readonly isItself?: boolean;
}

/** Looking at a layer isn't counted as a pull. The registry reads a few layers at a time, and asks to wait for more. */
export function listLayerFiles(
  { name, manifest, layer, isItself = false }: LayerOf,
  signal?: AbortSignal,
): Promise<LayerFiles> {
  const query = { manifest, ...(isItself ? { table: false } : {}) };
  return ask(repositoryPath(name, "_longshore", "repository", "files", layer), files, { query, signal });
}
