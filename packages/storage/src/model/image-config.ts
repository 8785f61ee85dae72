import { isJsonObject, member, parseJsonObject, type JsonObject } from "./manifest/json.js";

/** Media types of configs that describe an image (OCI image specification, config.md; Docker's schema 2). */
const IMAGE_CONFIGS: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);

/** Whether a config of this type can be read by {@link parseImageConfig}. */
export function isImageConfig(mediaType: string): boolean {
  return IMAGE_CONFIGS.has(mediaType);
}

/** Where an image runs, as far as its config says. */
interface ConfigPlatform {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly osVersion?: string;
}

/** One step of an image's history. */
interface HistoryStep {
  /** RFC 3339, UTC. */
  readonly created?: string;
  /** The command, as the builder wrote it. */
  readonly createdBy?: string;
  readonly comment?: string;
  /** The index of the layer that it made; absent if it made none. */
  readonly layer?: number;
}

/** What an image's config says (OCI image specification, config.md). */
export interface ImageConfig {
  /** RFC 3339, UTC. */
  readonly created?: string;
  readonly author?: string;
  readonly platform?: ConfigPlatform;
  readonly user?: string;
  readonly workingDir?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly exposedPorts?: readonly string[];
  readonly volumes?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly history?: readonly HistoryStep[];
}

/**
 * What the config in `bytes` says. No registry checks configs, so that anything can be in one: a field of another type than the
 * specification's is left out. Undefined if the whole isn't a JSON object.
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig | undefined {
  const object = jsonObject(bytes);
  if (object === undefined) return undefined;
  const run = objectIn(object, "config");
  const platform = defined({
    os: textIn(object, "os"),
    architecture: textIn(object, "architecture"),
    variant: textIn(object, "variant"),
    osVersion: textIn(object, "os.version"),
  });
  return defined({
    created: timeIn(object, "created"),
    author: textIn(object, "author"),
    platform: Object.keys(platform).length === 0 ? undefined : platform,
    user: textIn(run, "User"),
    workingDir: textIn(run, "WorkingDir"),
    entrypoint: textsIn(run, "Entrypoint"),
    cmd: textsIn(run, "Cmd"),
    env: textsIn(run, "Env"),
    exposedPorts: keysIn(run, "ExposedPorts"),
    volumes: keysIn(run, "Volumes"),
    labels: recordIn(run, "Labels"),
    stopSignal: textIn(run, "StopSignal"),
    history: historyIn(object),
  });
}

function jsonObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseJsonObject(bytes);
  } catch {
    return undefined;
  }
}

function historyIn(object: JsonObject): readonly HistoryStep[] | undefined {
  const history = member(object, "history");
  if (!Array.isArray(history)) return undefined;
  let layers = 0;
  return history.filter(isJsonObject).map((step) =>
    defined({
      created: timeIn(step, "created"),
      createdBy: textIn(step, "created_by"),
      comment: textIn(step, "comment"),
      layer: member(step, "empty_layer") === true ? undefined : layers++,
    }),
  );
}

/** The members that are there. */
type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(object: T): Defined<T>;
function defined(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = member(object, key);
  return isJsonObject(value) ? value : {};
}

/** Empty strings are left out: builders write them for what isn't set. */
function textIn(object: JsonObject, key: string): string | undefined {
  const value = member(object, key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Four digits of a year: what is left out is a time that no builder means. */
function timeIn(object: JsonObject, key: string): string | undefined {
  const value = textIn(object, key);
  if (value === undefined || !/^\d{4}-/.test(value)) return undefined;
  const time = new Date(value);
  const isKnown = !Number.isNaN(time.getTime()) && time.getUTCFullYear() > 1 && time.getUTCFullYear() < 10_000;
  return isKnown ? time.toISOString() : undefined;
}

function textsIn(object: JsonObject, key: string): readonly string[] | undefined {
  const value = member(object, key);
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : undefined;
}

function keysIn(object: JsonObject, key: string): readonly string[] | undefined {
  const value = member(object, key);
  return isJsonObject(value) ? Object.keys(value) : undefined;
}

function recordIn(object: JsonObject, key: string): Readonly<Record<string, string>> | undefined {
  const value = member(object, key);
  if (!isJsonObject(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
