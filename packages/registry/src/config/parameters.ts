import { DriverParameterError, parseS3Parameters } from "@longshore/storage";
import { type StorageType } from "./config.js";
import { type Report } from "./report.js";
import { Secret } from "./secret.js";

type Parameters = Readonly<Record<string, unknown>>;

/** A driver's parameters as the driver takes them. Not for anything that may be shown. */
export function revealParameters(parameters: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );
}

/** Lets the driver itself say what is wrong with its parameters, beyond what one key alone can tell. */
export function checkParameters(type: StorageType, parameters: Parameters, report: Report): void {
  if (type !== "s3" && type !== "s3aws") return;
  const path = ["storage", type];
  const given = revealParameters(parameters);
  try {
    parseS3Parameters(given);
  } catch (error) {
    if (!(error instanceof DriverParameterError)) throw error;
    report.error(error.parameter === undefined ? path : [...path, error.parameter], error.message);
  }
  for (const [one, other] of [
    ["accesskey", "secretkey"],
    ["secretkey", "accesskey"],
  ] as const) {
    if (!isGiven(given[one]) || isGiven(given[other])) continue;
    const message = `ignored without ${other}: credentials are looked for where the AWS SDK does`;
    report.warning([...path, one], message);
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== "";
}
