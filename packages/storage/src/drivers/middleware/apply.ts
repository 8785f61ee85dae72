import type { StorageDriver } from "../../contract/driver.js";
import type { MiddlewarePorts, StorageMiddleware } from "./options.js";
import { withRedirect } from "./redirect.js";
import { withRewrite } from "./rewrite.js";

/**
 * Puts one middleware around a driver; of several, the last one put around is asked first. Throws DriverParameterError for
 * options that can't work; the driver stays open then.
 */
export async function applyMiddleware(
  driver: StorageDriver,
  middleware: StorageMiddleware,
  ports: MiddlewarePorts,
): Promise<StorageDriver> {
  switch (middleware.name) {
    case "redirect":
      return withRedirect(driver, middleware.options);
    case "rewrite":
      return withRewrite(driver, middleware.options);
    case "cloudfront": {
      // Brings a part of the AWS SDK along.
      const { openCloudfront } = await import("./cloudfront.js");
      return openCloudfront(driver, middleware.options, ports);
    }
  }
}
