import { digestAt } from "../layout/parse.js";
import { algorithmLayersDirectory, layerLink } from "../layout/paths.js";
import { DIGEST_ALGORITHMS, type Digest } from "../model/digest.js";
import type { RepositoryName } from "../model/repository-name.js";
import { mapConcurrently } from "../store/shared/concurrent.js";
import { writeLink } from "../store/shared/links.js";
import { listBatches } from "../store/shared/paging.js";
import { hasBytes, lookAtLink } from "./links.js";
import { CONCURRENCY, type Look, type Scrub, type Suspects } from "./run.js";

/** Checks the repository's links to blobs. */
export async function checkLayers({ driver }: Scrub, name: RepositoryName, suspects: Suspects): Promise<void> {
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const names of listBatches(driver, algorithmLayersDirectory(name, algorithm), undefined)) {
      const digests = names.map((hex) => digestAt(algorithm, hex)).filter((digest) => digest !== undefined);
      await mapConcurrently(digests, CONCURRENCY, (digest) => suspects.check(lookAtLayer(name, digest)));
    }
  }
}

const lookAtLayer =
  (repository: RepositoryName, digest: Digest): Look =>
  async (driver) => {
    const path = layerLink(repository, digest);
    const found = await lookAtLink(driver, path);
    const place = { repository, digest };
    if (found.kind === "missing") return undefined;
    if (found.kind === "link") {
      if (await hasBytes(driver, found.target)) return undefined;
      const message = `${repository}: blob ${digest} is linked and has no bytes; a push brings them, and a collection removes the link`;
      return { kind: "layer-link-dangling", damage: false, ...place, message };
    }
    if (found.kind === "unreadable") {
      const message = `${repository}: the link to blob ${digest} can't be read: ${found.reason}`;
      return { kind: "layer-link", damage: true, ...place, message };
    }
    // What it held follows from its path, unless it led from a sha512 of Distribution to another digest.
    const repair = (await hasBytes(driver, digest)) ? () => writeLink(driver, path, digest) : undefined;
    const message = `${repository}: the link to blob ${digest} is cut off; ${repair === undefined ? "push the blob again" : "--repair writes it again"}`;
    return { kind: "layer-link", damage: true, ...place, message, repair };
  };
