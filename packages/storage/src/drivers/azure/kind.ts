import type { Remark } from "@longshore/options/kind";
import type { StorageDriver } from "../../contract/driver.js";
import { declareDriver } from "../kind.js";
import { verifyBucket } from "../objects/verify.js";
import { systemAuthorities } from "../objects/authorities.js";
import { completeOptions, options, type AzureOptions, type DeclaredOptions } from "./options.js";

/** Azure Blob Storage. Its library is loaded when a driver is opened. */
export const azure = declareDriver({
  name: "azure",
  meaning: "Azure Blob Storage. See [operating](operating.md#azure-blob-storage).",
  options,
  choose(declared, context) {
    const chosen = completeOptions(declared, context);
    return {
      identity: JSON.stringify([chosen.serviceurl, chosen.container, chosen.rootdirectory]),
      remarks: withoutEffect(declared),
      verify: ({ remote, patience }) =>
        remote ? verifyBucket(`the container ${chosen.container}`, () => open(chosen), patience) : Promise.resolve([]),
      open: () => open(chosen),
    };
  },
});

function withoutEffect({ connectionstring, rootdirectory, legacyrootprefix }: DeclaredOptions): readonly Remark[] {
  const remarks: Remark[] = [];
  const warn = (option: string, message: string): void =>
    void remarks.push({ severity: "warning", path: [option], message });
  if (connectionstring !== undefined) {
    warn("connectionstring", "ignored, as by Distribution: accountname, accountkey and serviceurl count");
  }
  if (rootdirectory !== "" && legacyrootprefix === true) warn("legacyrootprefix", "ignored with rootdirectory");
  return remarks;
}

async function open(options: AzureOptions): Promise<StorageDriver> {
  const { createAzureDriver } = await import("./driver.js");
  const { openCredential } = await import("./credential.js");
  const isTrustNeeded = !options.skipverify && options.serviceurl.startsWith("https:");
  return createAzureDriver(options, {
    credential: await openCredential(options),
    trusted: isTrustNeeded ? systemAuthorities(process.env) : undefined,
  });
}
