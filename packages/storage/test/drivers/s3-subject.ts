import { parseS3Parameters, type S3Options } from "../../src/drivers/s3/parameters.js";
import { createS3Driver, type S3Surroundings } from "../../src/drivers/s3/driver.js";
import type { S3Server } from "../../../../test/src/support/s3/server.js";

/** A driver over a new bucket of `server`, with more parameters than it takes to get there. */
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
  return parseS3Parameters({
    regionendpoint: server.endpoint,
    region: server.region,
    accesskey: server.accessKey,
    secretkey: server.secretKey,
    bucket: await server.newBucket(),
    ...parameters,
  });
}
