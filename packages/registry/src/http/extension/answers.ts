import { z } from "zod";
import { runSchema } from "../../maintenance/run.js";

/*
 * What the operations of the extension API answer. The types of the handlers and the OpenAPI document come from these, and the
 * tests parse every answer with them.
 */

const digest = z
  .string()
  .regex(/^[a-z0-9]+:[a-f0-9]+$/)
  .meta({ description: "A digest, such as `sha256:…`." });
const bytes = z.int().nonnegative().meta({ description: "Bytes." });
const time = z.iso.datetime().meta({ description: "UTC, RFC 3339." });
const annotations = z.record(z.string(), z.string());

const platform = z.strictObject({
  os: z.string().optional(),
  architecture: z.string().optional(),
  variant: z.string().optional(),
  osVersion: z.string().optional(),
});

/** A descriptor as the specification has it, without embedded data. */
const descriptor = z.strictObject({
  mediaType: z.string(),
  digest,
  size: bytes,
  artifactType: z.string().optional(),
  annotations: annotations.optional(),
});

const extension = z.strictObject({
  name: z.string(),
  url: z.string(),
  description: z.string(),
  endpoints: z.array(z.string()),
});

const step = z.strictObject({
  created: time.optional(),
  createdBy: z.string().optional().meta({ description: "The command, as the builder wrote it." }),
  comment: z.string().optional(),
  layer: z.int().nonnegative().optional().meta({ description: "The index of its layer; absent if it made none." }),
});

const configuration = z.strictObject({
  created: time.optional(),
  author: z.string().optional(),
  platform: platform.optional(),
  user: z.string().optional(),
  workingDir: z.string().optional(),
  entrypoint: z.array(z.string()).optional(),
  cmd: z.array(z.string()).optional(),
  env: z.array(z.string()).optional(),
  exposedPorts: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  labels: annotations.optional(),
  stopSignal: z.string().optional(),
  history: z.array(step).optional(),
});

const image = z.strictObject({
  ...descriptor.shape,
  name: z.string(),
  subject: descriptor.optional(),
  /** An index. */
  manifests: z.array(z.strictObject({ ...descriptor.shape, platform: platform.optional() })).optional(),
  /** An image or another artifact. */
  config: descriptor.optional(),
  layers: z.array(descriptor).optional(),
  totalSize: bytes.optional().meta({ description: "Bytes of the manifest, its config and its layers, each once." }),
  image: configuration.optional().meta({ description: "What the config says. Absent if it isn't an image's config." }),
});

const tagRemoval = z.strictObject({
  name: z.string(),
  dryRun: z.boolean(),
  removed: z.array(z.strictObject({ tag: z.string(), digest })),
  kept: z.array(z.strictObject({ tag: z.string(), digest: digest.optional(), reason: z.string() })),
  next: z.string().optional().meta({ description: "Where to go on (`last`), if not all tags were looked at." }),
});

/** By the names that the OpenAPI document has for them. */
export const ANSWERS = {
  Extensions: z.strictObject({ extensions: z.array(extension) }),
  OpenApi: z.looseObject({ openapi: z.string() }).meta({ description: "This document." }),
  Image: image,
  TagRemoval: tagRemoval,
  Run: runSchema,
  Runs: z.strictObject({ runs: z.array(runSchema) }),
} as const;

export type AnswerName = keyof typeof ANSWERS;
export type Answer<N extends AnswerName> = DeepReadonly<z.infer<(typeof ANSWERS)[N]>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
