import type { StorageDriver } from "../../src/contract/driver.js";
import { digestOf, type Digest } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import type { ScrubOptions } from "../../src/scrub/options.js";
import { scrubStorage } from "../../src/scrub/scrub.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { encode, imageOf, putBlob, repository, tag } from "../store/support.js";

export const name = repository("team/app");
export const v1 = tag("v1");

/** Looks at everything, and at damage again at once. */
export const scrub = (driver: StorageDriver, options: ScrubOptions = {}) =>
  scrubStorage(driver, { patience: 0, ...options });

/** Pushes an image of the blobs `config` and `layer`. */
export async function pushImage(driver: StorageDriver, rest: object = {}, tags = [v1]): Promise<Digest> {
  await putBlob(driver, name, "config");
  await putBlob(driver, name, "layer");
  const { manifests } = openRegistry(driver).repository(name);
  const bytes = encode(imageOf({ annotations: { is: "image" }, ...rest }));
  return (await manifests.put({ bytes, mediaType: OCI_MANIFEST, tags })).descriptor.digest;
}

/** The digest of the image's layer. */
export const layer = digestOf(encode("layer"));

/** What a scrub finds, and does about it. */
export const kindsOf = async (driver: StorageDriver, options?: ScrubOptions): Promise<readonly string[]> =>
  (await scrub(driver, options)).findings.map(({ kind, action }) =>
    action === undefined ? kind : `${kind} ${action}`,
  );
