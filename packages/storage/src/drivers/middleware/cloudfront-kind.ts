import { HOUR } from "@longshore/base/duration";
import { declareKind, refuse } from "@longshore/options/kind";
import { DriverParameterError } from "../shared/errors.js";
import { cloudfrontOptions, type CloudfrontOptions } from "./cloudfront-options.js";
import type { MiddlewareKind } from "./kind.js";

/** `cloudfront`: signed addresses of a CloudFront distribution in front of the bucket. */
export const cloudfront: MiddlewareKind = declareKind({
  name: "cloudfront",
  meaning: "Signed addresses of Amazon CloudFront, with S3 only.",
  options: cloudfrontOptions,
  choose(declared, context) {
    const regions = (declared.awsregion ?? "").split(",").map((region) => region.trim().toLowerCase());
    const named = regions.filter((region) => region !== "");
    if (declared.ipfilteredby === "awsregion" && named.length === 0) {
      refuse(context, "awsregion", "missing; ipfilteredby: awsregion needs it");
    }
    const chosen: CloudfrontOptions = {
      ...declared,
      updatefrequency: declared.updatefrequency ?? declared.updatefrenquency ?? 12 * HOUR,
      awsClients: awsClientsOf(declared.ipfilteredby, named),
    };
    return {
      worksWith: ["s3"],
      async verify() {
        const { readPrivateKey } = await import("./cloudfront.js");
        try {
          await readPrivateKey(declared.privatekey);
          return [];
        } catch (error) {
          if (!(error instanceof DriverParameterError)) throw error;
          return [{ severity: "error", path: ["privatekey"], message: error.message }];
        }
      },
      async apply(driver, ports) {
        // Loads a part of the AWS SDK.
        const { openCloudfront } = await import("./cloudfront.js");
        return openCloudfront(driver, chosen, ports);
      },
    };
  },
});

function awsClientsOf(filter: string | undefined, regions: readonly string[]): CloudfrontOptions["awsClients"] {
  if (filter === "awsregion") return { regions };
  return filter === "aws" ? { regions: undefined } : undefined;
}
