import type { TokenCredential } from "@azure/identity";
import { StorageSharedKeyCredential } from "@azure/storage-blob";
import type { AzureOptions } from "./options.js";

/** What requests are signed with, or where tokens for them come from. */
export type Credential = StorageSharedKeyCredential | TokenCredential;

/** The credential that the options describe. The library that gets tokens is loaded for those only. */
export async function openCredential({ accountname, login }: AzureOptions): Promise<Credential> {
  if (login.by === "key") return new StorageSharedKeyCredential(accountname, login.key);
  const { ClientSecretCredential, DefaultAzureCredential } = await import("@azure/identity");
  return login.by === "environment"
    ? new DefaultAzureCredential()
    : new ClientSecretCredential(login.tenantId, login.clientId, login.secret);
}
