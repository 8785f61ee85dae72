import { digest, list, number, object, optional, record, repositoryName, text, type Decoded } from "./decode.js";
import { ask } from "./http.js";
import { repositoryPath } from "./paths.js";
import { platform } from "./tags.js";

const descriptorShape = {
  mediaType: text,
  digest,
  size: number,
  artifactType: optional(text),
  annotations: optional(record(text)),
};
const descriptor = object(descriptorShape);
export type Descriptor = Decoded<typeof descriptor>;

const child = object({ ...descriptorShape, platform: optional(platform) });
export type Child = Decoded<typeof child>;

const step = object({
  created: optional(text),
  createdBy: optional(text),
  comment: optional(text),
  layer: optional(number),
});

const configuration = object({
  created: optional(text),
  author: optional(text),
  platform: optional(platform),
  user: optional(text),
  workingDir: optional(text),
  entrypoint: optional(list(text)),
  cmd: optional(list(text)),
  env: optional(list(text)),
  exposedPorts: optional(list(text)),
  volumes: optional(list(text)),
  labels: optional(record(text)),
  stopSignal: optional(text),
  history: optional(list(step)),
});
export type Configuration = Decoded<typeof configuration>;

const image = object({
  ...descriptorShape,
  name: repositoryName,
  subject: optional(descriptor),
  manifests: optional(list(child)),
  config: optional(descriptor),
  layers: optional(list(descriptor)),
  totalSize: optional(number),
  image: optional(configuration),
});
/** A manifest, and what its config says. */
export type Image = Decoded<typeof image>;

/** Looking at it isn't counted as a pull. */
export function showImage(name: string, reference: string, signal?: AbortSignal): Promise<Image> {
  return ask(repositoryPath(name, "_longshore", "repository", "images", reference), image, { signal });
}
