import type { Remark } from "@longshore/options/kind";
import type { StorageDriver } from "../../contract/driver.js";
import { isStorageError } from "../../errors.js";
import { declareDriver } from "../kind.js";
import type { CallReport } from "../objects/calls.js";
import { completeOptions, options, type DeclaredOptions, type S3Options } from "./options.js";

/** Amazon S3 and compatible services. The SDK is loaded when a driver is opened. */
export const s3 = declareDriver({
  name: "s3",
  aliases: ["s3aws"],
  meaning: "Amazon S3 and compatible services. See [operating](operating.md#s3-and-several-replicas).",
  options,
  choose(declared, context) {
    const chosen = completeOptions(declared, context);
    return {
      identity: JSON.stringify([chosen.endpoint?.url ?? chosen.region, chosen.bucket, chosen.rootdirectory]),
      remarks: halfOfPair(declared),
      verify: ({ remote, patience }) => (remote ? verifyBucket(chosen, patience) : Promise.resolve([])),
      open: () => open(chosen),
    };
  },
});

function halfOfPair({ accesskey, secretkey }: DeclaredOptions): readonly Remark[] {
  if ((accesskey === undefined) === (secretkey === undefined)) return [];
  const [given, missing] = secretkey === undefined ? ["accesskey", "secretkey"] : ["secretkey", "accesskey"];
  const message = `ignored without ${missing}: credentials are looked for where the AWS SDK does`;
  return [{ severity: "warning", path: [given], message }];
}

/**
 * Asks the bucket for a listing and for a file. A failure is a warning: a registry starts without its storage, and `verify`
 * may run where the service can't be reached.
 */
async function verifyBucket(options: S3Options, patience: number): Promise<readonly Remark[]> {
  const driver = await open(options);
  try {
    await ask(driver, AbortSignal.timeout(patience));
    return [];
  } catch (error) {
    const message = `the bucket ${options.bucket} can't be used: ${reasonOf(error, patience)}; until it can, pushes and pulls fail`;
    return [{ severity: "warning", path: [], message }];
  } finally {
    await driver.close();
  }
}

/** The service's own words, which are in the cause. */
function reasonOf(error: unknown, patience: number): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return `no answer within ${patience / 1000} s`;
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}

async function open(options: S3Options): Promise<StorageDriver> {
  const { trustedContext } = await import("./authorities.js");
  const { createS3Driver } = await import("./driver.js");
  const report = LOG_LEVELS.has(options.loglevel.toLowerCase()) ? writeReport : undefined;
  return createS3Driver(options, { report, trusted: needsTrust(options) ? trustedContext(process.env) : undefined });
}

/** Levels that log requests; anything else means `off`, as in Distribution. */
const LOG_LEVELS: ReadonlySet<string> = new Set([
  "debug",
  "debugwithsigning",
  "debugwithhttpbody",
  "debugwithrequestretries",
  "debugwithrequesterrors",
  "debugwitheventstreambody",
]);

/** Whether certificates are verified. */
function needsTrust({ endpoint, secure, skipverify }: S3Options): boolean {
  return !skipverify && (endpoint === undefined ? secure : endpoint.url.startsWith("https:"));
}

/** `loglevel`: one line for each request on standard error, as in Distribution. No level shows bodies or signatures. */
function writeReport({ operation, attempt, milliseconds, fault }: CallReport): void {
  const time = new Date().toISOString();
  const line = { time, level: "debug", msg: "s3 request", operation, attempt, ms: Math.round(milliseconds) };
  process.stderr.write(`${JSON.stringify({ ...line, ...(fault === undefined ? {} : { error: fault.message }) })}\n`);
}

/** Lists first: unlike the answer to HEAD, a refusal of the listing says why. */
async function ask(driver: StorageDriver, signal: AbortSignal): Promise<void> {
  await unlessMissing(driver.list("/", { signal, limit: 1 }));
  await unlessMissing(driver.stat("/docker/registry/v2/health", { signal, fileOnly: true }));
}

async function unlessMissing(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isStorageError(error, "PATH_NOT_FOUND")) throw error;
  }
}
