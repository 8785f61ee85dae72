import type { StorageDriver } from "@longshore/storage";
import type { LetsEncryptConfig } from "../config/config.js";
import { createChallengeLookup, type ChallengeLookup } from "./challenges.js";
import { openCertificateRecords } from "./records.js";
import { openCertificateStore } from "./store.js";

/** Where a process that serves finds the challenges that its primary, or another replica, has published. */
export async function openChallenges(
  { cachefile, hosts }: Pick<LetsEncryptConfig, "cachefile" | "hosts">,
  driver: StorageDriver,
): Promise<{ readonly find: ChallengeLookup; close(): Promise<void> }> {
  const store = await openCertificateStore(cachefile, driver);
  return { find: createChallengeLookup(hosts, openCertificateRecords(store.records)), close: () => store.close() };
}
