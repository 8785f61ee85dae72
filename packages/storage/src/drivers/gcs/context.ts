import { z } from "zod";
import type { Calls } from "../objects/calls.js";
import { ServiceFault } from "../objects/faults.js";
import type { Keys } from "../objects/keys.js";
import { parseJson } from "./answers.js";
import type { GcsClient } from "./client.js";
import type { GcsOptions } from "./options.js";
import { encode } from "./signer.js";

/** What every part of the driver works with. */
export interface GcsContext {
  readonly client: GcsClient;
  readonly calls: Calls;
  readonly keys: Keys;
  readonly options: GcsOptions;
}

/** What every object is written with, as in Distribution. */
export const CONTENT_TYPE = "application/octet-stream";

/**
 * What Distribution writes at the path of an upload that it hasn't finished: its last bytes, and where the rest is. For Distribution,
 * and for us, there is no file until the upload is complete.
 */
export const SESSION_TYPE = "application/x-docker-upload-session";

/** The JSON API's path of a bucket's objects, or of one. */
export function jsonPath({ bucket }: GcsOptions, name?: string): string {
  const objects = `/storage/v1/b/${encode(bucket)}/o`;
  return name === undefined ? objects : `${objects}/${encode(name)}`;
}

/** `values` as a query, without those that are undefined. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encode(String(value))}`],
  );
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

/** Numbers are in strings in the JSON API. */
export const numberText = z.string().regex(/^\d+$/).transform(Number);

/** An object, as the JSON API describes it. */
export const objectResource = z.object({
  name: z.string(),
  size: numberText,
  updated: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  generation: z.string().regex(/^\d+$/),
  contentType: z.string().default(""),
  metadata: z.record(z.string(), z.string()).default({}),
});

/** The fields of {@link objectResource}, for requests: the service leaves out the rest. */
export const OBJECT_FIELDS = "name,size,updated,generation,contentType,metadata";

/** Reads what the JSON API answered. Throws a transient fault if it isn't what it should be. */
export function parseAnswer<S extends z.ZodType>(schema: S, text: string, operation: string): z.output<S> {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new ServiceFault(
    "transient",
    undefined,
    `${operation}: the answer isn't what the service's documentation says`,
  );
}

/** The service has made an object of another size than that of what it was made of. */
export function otherSize(operation: string, found: number, expected: number): ServiceFault {
  return new ServiceFault(
    "refused",
    undefined,
    `${operation}: the new object has ${found} bytes in place of ${expected}: what it was made of is kept`,
  );
}
