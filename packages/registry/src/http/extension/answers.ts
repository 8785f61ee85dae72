import { z } from "zod";
import { activityEventSchema } from "../../activity/event.js";
import { statusSchema } from "../../status/status.js";
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

const kept = z.strictObject({ tag: z.string(), digest: digest.optional(), reason: z.string() });

const tagRemoval = z.strictObject({
  name: z.string(),
  dryRun: z.boolean(),
  removed: z.array(z.strictObject({ tag: z.string(), digest })),
  kept: z.array(kept),
  next: z.string().optional().meta({ description: "Where to go on (`last`), if not all tags were looked at." }),
});

const copy = z.strictObject({
  from: z.string(),
  to: z.string(),
  dryRun: z.boolean(),
  tags: z.array(z.strictObject({ tag: z.string(), as: z.string(), digest })),
  kept: z.array(kept).meta({ description: "Tags that weren't copied or moved, and why." }),
  manifests: z.int().nonnegative().meta({ description: "Manifests that the target didn't have." }),
  blobs: z.int().nonnegative().meta({ description: "Blobs that the target didn't have. Their bytes are shared." }),
  next: z.string().optional().meta({ description: "Where to go on (`last`), if not all tags were looked at." }),
});

const repositoryRemoval = z.strictObject({
  name: z.string(),
  manifests: z.int().nonnegative(),
  tags: z.int().nonnegative(),
  uploads: z.int().nonnegative(),
  left: z
    .int()
    .nonnegative()
    .meta({ description: "Manifests that were pushed meanwhile: these stay, and so does the repository." }),
});

const repository = z.strictObject({
  name: z.string(),
  tags: z.int().nonnegative(),
  manifests: z.int().nonnegative(),
  size: bytes.meta({ description: "Bytes of all that its manifests refer to, each digest once." }),
  pushed: time,
  pulled: time.optional().meta({ description: "To the hour, some minutes late." }),
  deletable: z
    .boolean()
    .optional()
    .meta({ description: "Whether the client may delete it and its tags, in the answer about one, if rules say so." }),
});

/** What lists have beside their items. */
const page = {
  total: z.int().nonnegative().meta({ description: "How many there are on all pages together." }),
  next: z.string().optional().meta({ description: "The `last` of the next page. Absent on the final one." }),
};

const tag = z.strictObject({
  tag: z.string(),
  digest,
  pushed: time,
  pushedBy: z.string().optional(),
  pulled: time.optional().meta({ description: "To the hour, some minutes late." }),
  uniqueSize: bytes.meta({ description: "Bytes that no other tag of the repository refers to." }),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  size: bytes.optional().meta({ description: "Bytes of all that it refers to, each digest once." }),
  platforms: z.array(platform).optional(),
  created: time.optional().meta({ description: "When the image was built, as its config says." }),
  immutable: z.string().optional().meta({ description: "The rule that keeps it as it is." }),
});

const referrer = z.strictObject({
  kind: z.enum(["signature", "sbom", "attestation", "other"]),
  digest,
  artifactType: z.string().optional(),
  size: bytes,
  tag: z.string().optional().meta({ description: "Its tag, if it refers by cosign's scheme of tags." }),
});

const retention = z.strictObject({
  name: z.string(),
  kept: z.int().nonnegative().meta({ description: "How many tags would stay, on all pages together." }),
  removed: z.int().nonnegative().meta({ description: "How many would go." }),
  tags: z.array(
    z.strictObject({
      tag: z.string(),
      digest,
      kept: z.boolean(),
      rule: z.string().optional().meta({ description: "The rule that decides." }),
      reason: z.string(),
    }),
  ),
  leftAlone: z.string().optional().meta({ description: "Why nothing is decided; absent if it is." }),
  next: page.next,
});

const usage = z.strictObject({
  prefix: z.string().optional(),
  repositories: z.int().nonnegative(),
  tags: z.int().nonnegative(),
  manifests: z.int().nonnegative(),
  blobs: z.int().nonnegative(),
  bytes: bytes.meta({
    description: "What it takes in the storage: each digest once, however many repositories have it.",
  }),
  logicalBytes: bytes.meta({ description: "What it would take if the repositories shared nothing." }),
});

const usagePoint = z.strictObject({
  day: z.iso.date().meta({ description: "In UTC." }),
  repositories: z.int().nonnegative(),
  tags: z.int().nonnegative(),
  bytes,
  logicalBytes: bytes,
});

/** By the names that the OpenAPI document has for them. */
const layerFile = z.strictObject({
  path: z.string().meta({ description: "Without a slash at its beginning or end; empty: the root." }),
  type: z.enum(["file", "directory", "symlink", "link", "character-device", "block-device", "fifo"]),
  size: bytes,
  mode: z.string().meta({ description: "Permission bits, in octal." }),
  link: z.string().optional().meta({ description: "Where a link leads, as it is written." }),
  removes: z
    .enum(["path", "contents"])
    .optional()
    .meta({ description: "Of the layers below: this path, or everything in this directory." }),
});

const setting = z.strictObject({
  path: z.string().meta({ description: "Such as `notifications.endpoints[0].url`." }),
  value: z.string().optional().meta({ description: "As it is written; absent if it is hidden." }),
  isHidden: z.boolean().meta({ description: "Whether it is, or may hold, a secret." }),
  origin: z.enum(["default", "environment", "file"]),
  variable: z.string().optional(),
  file: z.string().optional(),
  line: z.int().positive().optional(),
});

export const ANSWERS = {
  ActivityEvent: activityEventSchema,
  Status: statusSchema,
  Configuration: z.strictObject({ settings: z.array(setting) }),
  LayerFiles: z.strictObject({
    name: z.string(),
    digest,
    compression: z.enum(["none", "gzip", "zstd"]),
    table: z.enum(["estargz", "zstd:chunked"]).optional().meta({
      description: "The format of the layer's own table, which the list was read from in place of the layer.",
    }),
    cutBy: z
      .enum(["entries", "bytes", "text", "metadata", "time"])
      .optional()
      .meta({ description: "Which limit ended the list before the layer did." }),
    files: z.array(layerFile),
  }),
  Extensions: z.strictObject({ extensions: z.array(extension) }),
  OpenApi: z.looseObject({ openapi: z.string() }).meta({ description: "This document." }),
  Image: image,
  TagRemoval: tagRemoval,
  RepositoryRemoval: repositoryRemoval,
  Copy: copy,
  Repositories: z.strictObject({
    repositories: z.array(repository),
    ...page,
    total: page.total.optional().meta({ description: "How many there are on all pages together; see `uncounted`." }),
  }),
  Repository: repository,
  Tags: z.strictObject({ name: z.string(), tags: z.array(tag), ...page }),
  Referrers: z.strictObject({ name: z.string(), subject: digest, referrers: z.array(referrer) }),
  Retention: retention,
  Usage: usage,
  UsageHistory: z.strictObject({ days: z.array(usagePoint) }),
  Run: runSchema,
  Runs: z.strictObject({ runs: z.array(runSchema) }),
} as const;

export type AnswerName = keyof typeof ANSWERS;
export type Answer<N extends AnswerName> = DeepReadonly<z.infer<(typeof ANSWERS)[N]>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
