import { createServer, type RequestListener } from "node:http";
import type { StorageDriver } from "../../src/contract/driver.js";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";

/** A driver in memory that gives out addresses of a storage, and names objects, as the S3 driver does. */
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

/** Answers requests on a port of the loopback address until it is disposed of. */
export async function serve(listener: RequestListener): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
