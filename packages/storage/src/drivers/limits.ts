/** What `read` accepts where the caller names no limit (contract/driver.ts), in bytes. */
export const READ_LIMIT = 16 * 1024 * 1024;
