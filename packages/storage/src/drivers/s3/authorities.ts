import type { SecureContext } from "node:tls";
import { readCertificates, systemAuthorities } from "../objects/authorities.js";
import { DriverParameterError } from "../shared/errors.js";

/**
 * The authorities that TLS connections to a service trust, with those of `AWS_CA_BUNDLE`. Throws DriverParameterError if that
 * can't be read.
 */
export function trustedContext(env: NodeJS.ProcessEnv, systemFiles?: readonly string[]): SecureContext | undefined {
  const named = env["AWS_CA_BUNDLE"] ?? "";
  const bundle = named === "" ? undefined : readCertificates(named);
  if (named !== "" && bundle === undefined) {
    throw new DriverParameterError("s3", undefined, `AWS_CA_BUNDLE: ${named} holds no certificates that can be read`);
  }
  return systemAuthorities(env, bundle, systemFiles);
}
