import { INVENTORY_DIRECTORY } from "@longshore/storage";

/** Where processes say which repositories have appeared, or may have become empty. */
export const CATALOG_BOARD = `${INVENTORY_DIRECTORY}/v1/catalog`;
