import { beforeAll, describe } from "vitest";
import { gcsParameters, startGcs, type GcsServer } from "@longshore/testkit/gcs/server";
import { useResources } from "../clients/site.js";
import { registriesOverObjects } from "../objects/registries.js";

describe("registries over one bucket of our stand-in for Google Cloud Storage", () => {
  const own = useResources();
  let server: GcsServer;

  beforeAll(async () => {
    server = own(await startGcs());
  });

  registriesOverObjects({
    driver: "gcs",
    own,
    newBucket: () => Promise.resolve(server.newBucket()),
    parameters: (bucket, origin = server.serviceUrl) => ({
      ...gcsParameters({ ...server, serviceUrl: origin }, bucket),
      chunksize: 5 * 1024 * 1024,
    }),
    withoutSecrets: (given) => ({
      parameters: Object.fromEntries(Object.entries(given).filter(([name]) => name !== "credentials")),
      env: { REGISTRY_STORAGE_GCS_CREDENTIALS: JSON.stringify(server.keyFile) },
    }),
    origin: () => server.serviceUrl,
    bytesOf: (bucket, name) => Promise.resolve(Buffer.concat(server.store.get(bucket, name).content.pieces)),
    namesIn: (bucket) => Promise.resolve(server.inventory(bucket).map((line) => line.slice(1, line.lastIndexOf(" ")))),
    countParts: () => {
      const count = server.counts().UploadPart ?? 0;
      server.clear();
      return count;
    },
    missing: {
      parameters: { bucket: "not-there" },
      message: /the bucket not-there can't be used: .*create the bucket/,
    },
    secret: () => (server.keyFile["private_key"] ?? "").slice(40, 80),
  });
});
