import type { Remark } from "@longshore/options/kind";
import type { StorageDriver } from "../../contract/driver.js";
import { declareDriver } from "../kind.js";
import { systemAuthorities } from "../objects/authorities.js";
import { verifyBucket } from "../objects/verify.js";
import { DriverParameterError } from "../shared/errors.js";
import { completeOptions, options, type DeclaredOptions, type GcsOptions } from "./options.js";

/** Google Cloud Storage. What it needs is loaded when a driver is opened. */
export const gcs = declareDriver({
  name: "gcs",
  meaning: "Google Cloud Storage. See [operating](operating.md#google-cloud-storage).",
  options,
  choose(declared, context) {
    const chosen = completeOptions(declared, context);
    return {
      identity: JSON.stringify([chosen.serviceurl, chosen.bucket, chosen.rootdirectory]),
      remarks: withoutEffect(declared),
      verify: async ({ remote, patience }) => {
        const wrong = await checkKey(chosen);
        if (wrong !== undefined) return [wrong];
        return remote ? verifyBucket(`the bucket ${chosen.bucket}`, () => open(chosen), patience) : [];
      },
      open: () => open(chosen),
    };
  },
});

function withoutEffect({ keyfile, credentials }: DeclaredOptions): readonly Remark[] {
  if (keyfile === undefined || credentials === undefined) return [];
  return [{ severity: "warning", path: ["credentials"], message: "ignored with keyfile, as by Distribution" }];
}

async function checkKey({ login }: GcsOptions): Promise<Remark | undefined> {
  const { keyOf } = await import("./key.js");
  try {
    await keyOf(login);
    return undefined;
  } catch (error) {
    if (!(error instanceof DriverParameterError)) throw error;
    return { severity: "error", path: [error.parameter ?? ""], message: error.message };
  }
}

/** Throws DriverParameterError for a key that can't be used. */
async function open(chosen: GcsOptions): Promise<StorageDriver> {
  const { createGcsDriver } = await import("./driver.js");
  const { keyOf } = await import("./key.js");
  const trusted = chosen.serviceurl.startsWith("https:") ? systemAuthorities(process.env) : undefined;
  return createGcsDriver(chosen, { key: await keyOf(chosen.login), trusted });
}
