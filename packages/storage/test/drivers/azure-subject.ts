import { section } from "@longshore/options/declare";
import { StorageSharedKeyCredential } from "@azure/storage-blob";
import { azureParameters, type Azurite } from "@longshore/testkit/azure/azurite";
import { createAzureDriver, type AzureSurroundings } from "../../src/drivers/azure/driver.js";
import { completeOptions, options, type AzureOptions } from "../../src/drivers/azure/options.js";

const schema = section(options, "").transform(completeOptions);

/** The options of `storage.azure` as the driver expects them. Throws a ZodError with what is wrong. */
export function parseAzureOptions(given: unknown): AzureOptions {
  return schema.parse(given);
}

/** Where a driver is opened: the emulator, or what stands before it. */
type Place = Pick<Azurite, "serviceUrl" | "account" | "key">;

/** A driver over a container. */
export function azureDriverOn(
  place: Place,
  container: string,
  parameters: Readonly<Record<string, unknown>> = {},
  surroundings: Partial<AzureSurroundings> = {},
) {
  const parsed = parseAzureOptions({ ...azureParameters(place, container), ...parameters });
  const credential = new StorageSharedKeyCredential(place.account, place.key);
  return createAzureDriver(parsed, { credential, ...surroundings });
}
