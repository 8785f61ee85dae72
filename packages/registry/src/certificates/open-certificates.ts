import { createLeases } from "@longshore/mirror/leases";
import { Resources } from "@longshore/base/resources";
import type { StorageDriver } from "@longshore/storage";
import { z } from "zod";
import type { LetsEncryptConfig } from "../config/config.js";
import type { Log } from "../observability/log.js";
import { openCertificateCache } from "./cache-directory.js";
import { startChallengeServer } from "./challenge-server.js";
import { createChallengeLookup } from "./challenges.js";
import { openKeeper, type CertificateKeeper } from "./keeper.js";
import type { CertificatePair } from "./pair.js";
import { openCertificateRecords } from "./records.js";
import { openCertificateStore } from "./store.js";

/** What the process that orders needs. */
export interface CertificatesContext {
  readonly driver: StorageDriver;
  readonly log: Log;
  readonly use: (pairs: readonly CertificatePair[]) => void;
}

/**
 * Reads the certificates that are there, uses them, and listens for HTTP-01 challenges; the authority isn't asked before `begin`.
 * Throws AddressError.
 */
export async function openCertificates(
  config: LetsEncryptConfig,
  { driver, log, use }: CertificatesContext,
): Promise<CertificateKeeper> {
  await using opened = new Resources();
  const cache = await openCertificateCache(config.cachefile);
  if (cache.isFile) {
    const advice = "name a directory instead, to have them there, too";
    log.warn(
      `${config.cachefile} is a file of registry:2; it is read, and new certificates go to the storage: ${advice}`,
    );
  }
  const store = opened.add(await openCertificateStore(config.cachefile, driver));
  const records = openCertificateRecords(store.records);
  const lookup = createChallengeLookup(config.hosts, records);
  const { httpaddr } = config;
  if (httpaddr !== undefined) {
    const server = opened.add(await startChallengeServer(httpaddr, config.hosts, lookup));
    log.info(`challenges of the certificate authority (HTTP-01) are answered on ${server.address}`);
  }
  const { orderCertificate, newKey } = await import("./order.js");
  const keeper = opened.add(
    await openKeeper({
      config,
      records,
      leases: createLeases({ records: store.records, note: z.string() }),
      cache,
      order: (host, accountKey, signal) =>
        orderCertificate({
          host,
          directory: config.directoryurl,
          accountKey,
          email: config.email,
          // Who opens that address wants it to be used.
          challenges: httpaddr === undefined ? ["tls-alpn-01"] : ["http-01", "tls-alpn-01"],
          records,
          signal,
        }),
      newKey,
      use,
      log,
      clock: Date.now,
    }),
  );
  const resources = opened.move();
  return { ...keeper, close: () => resources.close() };
}
