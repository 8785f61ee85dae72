import type { VerifyRequest } from "@longshore/options/kind";
import type { Config } from "../../config/config.js";
import { error, type Finding, warning } from "../../config/findings.js";

/** What access control finds when it tries out its options. */
export async function verifyAuth({ auth }: Config, request: VerifyRequest): Promise<Finding[]> {
  const remarks = await auth.verify(request);
  return remarks.map(({ severity, path, message }) =>
    (severity === "error" ? error : warning)([auth.section, ...path], undefined, message),
  );
}
