import { section } from "@longshore/options/declare";
import { gcsParameters, type GcsServer } from "@longshore/testkit/gcs/server";
import { createGcsDriver, type GcsSurroundings } from "../../src/drivers/gcs/driver.js";
import { keyOf } from "../../src/drivers/gcs/key.js";
import { completeOptions, options, type GcsOptions } from "../../src/drivers/gcs/options.js";

const schema = section(options, "").transform(completeOptions);

/** The options of `storage.gcs` as the driver expects them. Throws a ZodError with what is wrong. */
export function parseGcsOptions(given: unknown): GcsOptions {
  return schema.parse(given);
}

/** A driver over a bucket of the stand-in. */
export async function gcsDriverOn(
  server: GcsServer,
  bucket: string,
  parameters: Readonly<Record<string, unknown>> = {},
  surroundings: Partial<GcsSurroundings> = {},
) {
  const parsed = parseGcsOptions({ ...gcsParameters(server, bucket), ...parameters });
  return createGcsDriver(parsed, { key: await keyOf(parsed.login), ...surroundings });
}
