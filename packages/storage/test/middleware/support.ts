import type { StorageDriver } from "../../src/contract/driver.js";
import type { ChosenMiddleware } from "../../src/drivers/middleware/kind.js";
import { MIDDLEWARE_KINDS } from "../../src/drivers/middleware/kinds.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";

/** The middleware `name`, with `options` as in an entry of `middleware.storage`. */
export function chosen(name: string, options: Readonly<Record<string, unknown>>): ChosenMiddleware {
  const kind = MIDDLEWARE_KINDS.find((each) => each.name === name);
  if (kind === undefined) throw new Error(`no middleware ${name}`);
  return kind.section(name).parse(options);
}

/** A driver in memory that returns storage addresses and names objects, as the S3 driver does. */
export function addressed(root = "root"): StorageDriver & { closed: number } {
  const driver = createInMemoryDriver();
  return Object.assign(driver, {
    closed: 0,
    name: "s3aws",
    objectKey: (path: string) => `${root}${path}`,
    redirectUrl: (path: string, { method }: { method: string }) =>
      Promise.resolve(`https://s3.example:8443/bucket/${root}${path}?X-Amz-Signature=abc&method=${method}#f`),
    async close() {
      this.closed += 1;
      await Promise.resolve();
    },
  });
}
