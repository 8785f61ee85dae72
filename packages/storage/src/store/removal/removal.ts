import type { CallOptions } from "../../contract/driver.js";
import type { RemovedItem, RemoveOptions } from "../../contract/registry.js";
import type { RepositoryName } from "../../model/repository-name.js";
import type { RegistryDependencies } from "../dependencies.js";

/** A removal under way. */
export interface Removal {
  readonly name: RepositoryName;
  readonly shared: RegistryDependencies;
  readonly call: CallOptions;
  readonly options: RemoveOptions;
  /** Whether something that was changed at `time` (ms, by the storage's clock) was pushed since the removal began. */
  isNew(time: number): boolean;
  /** Counts what was removed, and tells the caller. */
  removed(item: RemovedItem): void;
}
