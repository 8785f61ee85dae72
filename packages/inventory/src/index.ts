export type {
  Activity,
  ActivityRecorder,
  FirstPage,
  Inventory,
  InventoryPage,
  InventoryQuery,
  ManifestEntry,
  ReferrerEntry,
  ReferrerKind,
  RepositoryEntry,
  RepositoryFilter,
  RepositorySort,
  TagEntry,
  TagSort,
  Usage,
  UsageProgress,
} from "./contract.js";
export { openActivity, type ActivityLog, type ActivityOptions } from "./activity/activity.js";
export { openLayerLists, type LayerLists } from "./layer-lists/layer-lists.js";
export type { ListSource, WrittenListing } from "./layer-lists/list-file.js";
export { CursorError } from "./errors.js";
export { keepCatalog, type CatalogOptions } from "./catalog/catalog.js";
export { tellOfChanges } from "./tell-of-changes.js";
export { openInventory, type InventoryOptions, type OpenInventory } from "./open-inventory.js";
