import { isDigest, parseDigest } from "../digest.js";
import { isStorageError } from "../../errors.js";
import type { Descriptor, Platform } from "../descriptor.js";
import type { Digest } from "../digest.js";
import { invalid, isJsonObject, member, type JsonObject } from "./json.js";

/**
 * The descriptor at `path` of a manifest (image specification, descriptor.md). `mediaType` and `size` may be absent, as
 * Distribution lets them. Throws MANIFEST_INVALID that names the field.
 */
export function parseDescriptor(value: unknown, path: string): Descriptor {
  if (!isJsonObject(value)) throw invalid(`${path}: a descriptor is a JSON object with mediaType, digest and size`);
  const urls = stringList(value, "urls", path);
  const annotations = parseAnnotations(value, path);
  const data = text(value, "data", path);
  const artifactType = text(value, "artifactType", path);
  const platform = parsePlatform(member(value, "platform"), `${path}.platform`);
  return {
    mediaType: text(value, "mediaType", path) ?? "",
    digest: digestMember(value, path),
    size: sizeMember(value, path),
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(data === undefined ? {} : { data }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** The list of descriptors at `key`; empty where it is absent or null. Throws MANIFEST_INVALID. */
export function parseDescriptors(object: JsonObject, key: string): readonly Descriptor[] {
  const value = member(object, key);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`${key}: must be a list of descriptors`);
  return value.map((item: unknown, index) => parseDescriptor(item, `${key}[${index}]`));
}

/** The member `annotations`: a map of strings. Null stands for the empty string, as in Go. Throws MANIFEST_INVALID. */
export function parseAnnotations(object: JsonObject, path = ""): Readonly<Record<string, string>> | undefined {
  const value = member(object, "annotations");
  if (value === undefined) return undefined;
  const at = path === "" ? "annotations" : `${path}.annotations`;
  if (!isJsonObject(value)) throw invalid(`${at}: must be an object of strings`);
  return hasTextsOnly(value, at) ? value : withoutNulls(value);
}

/**
 * Tells whether no value is null. Looked at, not copied, and without a list of the entries: 4 MiB can hold 300,000
 * annotations, and either takes longer than all else that is done to them. What JSON holds has no inherited keys.
 */
function hasTextsOnly(object: JsonObject, at: string): object is Readonly<Record<string, string>> {
  let isTexts = true;
  for (const key in object) {
    const value = object[key];
    if (value === null) isTexts = false;
    else if (typeof value !== "string") throw invalid(`${at}: the value of ${JSON.stringify(key)} must be a string`);
  }
  return isTexts;
}

/** For an object of strings and nulls. */
function withoutNulls(object: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, typeof value === "string" ? value : ""]),
  );
}

/** The member `key`, if it is there. Throws MANIFEST_INVALID where it isn't a string. */
export function text(object: JsonObject, key: string, path = ""): string | undefined {
  const value = member(object, key);
  if (value === undefined || typeof value === "string") return value;
  throw invalid(`${path === "" ? key : `${path}.${key}`}: must be a string`);
}

function digestMember(object: JsonObject, path: string): Digest {
  const value = member(object, "digest");
  if (typeof value !== "string") throw invalid(`${path}.digest: is missing or not a string`);
  if (isDigest(value)) return value;
  try {
    return parseDigest(value);
  } catch (error) {
    if (!isStorageError(error)) throw error;
    throw invalid(`${path}.digest: ${error.message}`);
  }
}

function sizeMember(object: JsonObject, path: string): number {
  const value = member(object, "size") ?? 0;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`${path}.size: must be a whole number of bytes, 0 or more`);
}

function stringList(object: JsonObject, key: string, path: string): readonly string[] | undefined {
  const value = member(object, key);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item): item is string => typeof item === "string")) return value;
  throw invalid(`${path}.${key}: must be a list of strings`);
}

function parsePlatform(value: unknown, path: string): Platform | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw invalid(`${path}: must be an object`);
  const version = text(value, "os.version", path);
  const features = stringList(value, "os.features", path);
  const variant = text(value, "variant", path);
  return {
    architecture: text(value, "architecture", path) ?? "",
    os: text(value, "os", path) ?? "",
    ...(version === undefined ? {} : { "os.version": version }),
    ...(features === undefined ? {} : { "os.features": features }),
    ...(variant === undefined ? {} : { variant }),
  };
}
