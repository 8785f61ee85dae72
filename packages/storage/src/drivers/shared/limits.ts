import { MIB } from "@longshore/base/size";
/** The default limit of `read` in bytes (contract/driver.ts). */
export const READ_LIMIT = 16 * MIB;
