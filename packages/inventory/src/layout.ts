import { INVENTORY_DIRECTORY } from "@longshore/storage";

/** Where processes say which repositories have appeared, or may have become empty. */
export const CATALOG_BOARD = `${INVENTORY_DIRECTORY}/v1/catalog`;

/** Where processes say which tags and manifests they have changed. */
export const CHANGES_BOARD = `${INVENTORY_DIRECTORY}/v1/changes`;

/** Where processes write down who pushed and pulled. */
export const ACTIVITY_FOLDER = `${INVENTORY_DIRECTORY}/v1/activity`;

/** Says since when pulls have been recorded, all of them. */
export const PULLS_SINCE = `${INVENTORY_DIRECTORY}/v1/pulls-since`;

/** Where processes write down what manifests say. Another name is needed when that is read from them in another way. */
export const FACTS_FOLDER = `${INVENTORY_DIRECTORY}/v1/facts`;

/** Where lists of the files in layers are kept. */
export const LAYER_LISTS = `${INVENTORY_DIRECTORY}/v1/layer-lists`;

/** What the registry took on the days before, for all processes. */
export const HISTORY_FILE = `${INVENTORY_DIRECTORY}/v1/history`;
