import { StorageError } from "../errors.js";

declare const brand: unique symbol;

/** A verified repository name (distribution-spec §Pulling manifests, as wide as the original's router, contract §1.3). */
export type RepositoryName = string & { readonly [brand]: "RepositoryName" };
