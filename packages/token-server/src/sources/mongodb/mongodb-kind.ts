import { createBcryptPool, defaultWorkers } from "@longshore/auth";
import { declareSource } from "../declare-source.js";
import { mongodbOptions } from "./mongodb-options.js";

/** Users in a collection of MongoDB. */
export const mongodb = declareSource({
  name: "mongodb",
  meaning:
    "Users in a collection of MongoDB, as docker_auth's `mongo_auth` has them: documents with `username`, `password` (bcrypt) and `labels`. Needs the package `mongodb`.",
  options: mongodbOptions,
  choose(options) {
    const { timeout, cachettl, labelpatterns, connecttimeout, workers: threads = defaultWorkers() } = options;
    return {
      // A login mostly waits for its thread, and hardly for the server.
      limits: { timeout, cachettl, concurrency: threads },
      async open() {
        const { openCollection } = await import("../../mongodb/open-collection.js");
        const { createMongodbSource } = await import("./mongodb-source.js");
        const users = await openCollection("mongodb", options);
        return createMongodbSource({
          users,
          comparer: createBcryptPool({ threads }),
          labelpatterns,
          timeout: connecttimeout,
        });
      },
    };
  },
});
