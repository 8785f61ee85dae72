import type { BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import type { Calls } from "../objects/calls.js";
import type { Keys } from "../objects/keys.js";
import type { AzureOptions } from "./options.js";
import type { Signer } from "./signer.js";

/** What every part of the driver works with. */
export interface AzureContext {
  readonly container: ContainerClient;
  readonly calls: Calls;
  readonly keys: Keys;
  readonly options: AzureOptions;
  readonly signer: Signer;
  /**
   * Whether the service copies from URLs, which is found out once. Azurite, the emulator, doesn't: then the bytes pass through
   * this process.
   */
  readonly copying: { byService: boolean };
}

/** The client of the blob at `path`. */
export function blobAt({ container, keys }: AzureContext, path: string): BlockBlobClient {
  return container.getBlockBlobClient(keys.of(path));
}

/** What every blob is written with, as in Distribution. */
export const HEADERS = { blobContentType: "application/octet-stream" };
