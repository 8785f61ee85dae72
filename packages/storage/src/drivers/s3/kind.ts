import type { Remark } from "@longshore/options/kind";
import type { StorageDriver } from "../../contract/driver.js";
import { declareDriver } from "../kind.js";
import type { CallReport } from "../objects/calls.js";
import { verifyBucket } from "../objects/verify.js";
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
      verify: ({ remote, patience }) =>
        remote ? verifyBucket(`the bucket ${chosen.bucket}`, () => open(chosen), patience) : Promise.resolve([]),
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
