import type { StorageDriver } from "../../contract/driver.js";
import { trustedContext } from "./authorities.js";
import type { CallReport } from "./calls.js";
import { createS3Driver } from "./driver.js";
import { parseS3Parameters, type S3Options } from "./parameters.js";

/** The S3 driver from a configuration's parameters. Throws DriverParameterError. */
export function createFromParameters(parameters: unknown): StorageDriver {
  const options = parseS3Parameters(parameters);
  const report = options.verbose ? writeReport : undefined;
  return createS3Driver(options, { report, trusted: needsTrust(options) ? trustedContext(process.env) : undefined });
}

/** Whether certificates are looked at. */
function needsTrust({ endpoint, secure, skipVerify }: S3Options): boolean {
  return !skipVerify && (endpoint === undefined ? secure : endpoint.url.startsWith("https:"));
}

/** `loglevel`: a line a request on the standard error, as the original has it. No level shows bodies or signatures. */
function writeReport({ operation, attempt, milliseconds, fault }: CallReport): void {
  const time = new Date().toISOString();
  const line = { time, level: "debug", msg: "s3 request", operation, attempt, ms: Math.round(milliseconds) };
  process.stderr.write(`${JSON.stringify({ ...line, ...(fault === undefined ? {} : { error: fault.message }) })}\n`);
}
