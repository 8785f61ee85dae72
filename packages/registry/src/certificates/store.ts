import { stat } from "node:fs/promises";
import { join } from "node:path";
import { createDriver, openRecords, type RecordStore, type StorageDriver } from "@longshore/storage";

interface CertificateStore {
  readonly records: RecordStore;
  close(): Promise<void>;
}

/**
 * The records of the storage; or in `cachefile`, where the storage is gone with the process, so that a restart knows what has
 * failed.
 */
export async function openCertificateStore(cachefile: string, driver: StorageDriver): Promise<CertificateStore> {
  const isFile = (await stat(cachefile).catch(() => undefined))?.isFile() === true;
  if (driver.name !== "inmemory" || isFile) return { records: openRecords(driver), close: () => Promise.resolve() };
  const beside = await createDriver("filesystem", { rootdirectory: join(cachefile, "state") });
  return { records: openRecords(beside), close: async () => beside.close() };
}
