import { section } from "@longshore/options/declare";
import { completeOptions, options, type S3Options } from "../../src/drivers/s3/options.js";
import { createS3Driver, type S3Surroundings } from "../../src/drivers/s3/driver.js";
import type { S3Server } from "@longshore/testkit/s3/server";

const schema = section(options, "").transform(completeOptions);

/** The options of `storage.s3` as the driver expects them. Throws a ZodError with what is wrong. */
export function parseS3Options(given: unknown): S3Options {
  return schema.parse(given);
}

/** A driver over a new bucket of `server`, with additional parameters. */
export async function driverOn(
  server: S3Server,
  parameters: Readonly<Record<string, unknown>> = {},
  surroundings: S3Surroundings = {},
) {
  const options = await optionsFor(server, parameters);
  return createS3Driver(options, surroundings);
}

/** The options of a driver over a new bucket of `server`. */
export async function optionsFor(
  server: S3Server,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<S3Options> {
  return parseS3Options({
    regionendpoint: server.endpoint,
    region: server.region,
    accesskey: server.accessKey,
    secretkey: server.secretKey,
    bucket: await server.newBucket(),
    ...parameters,
  });
}
