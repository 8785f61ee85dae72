import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import type { S3Server } from "@longshore/testkit/s3/server";

/** Debian's docker-registry (2.8) over a bucket. */
export interface RunningOriginal extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly pid: number;
}

/** Starts it; `secret` is what our registries have, `rootDirectory` what keys begin with. */
export async function startOriginal(
  server: S3Server,
  bucket: string,
  { secret, rootDirectory = "" }: { readonly secret: string; readonly rootDirectory?: string },
): Promise<RunningOriginal> {
  const folder = await makeTemporaryFolder("original");
  const host = `127.0.0.1:${await freePort()}`;
  const path = join(folder.path, "config.yml");
  await writeFile(
    path,
    stringify({
      version: 0.1,
      log: { level: "warn" },
      storage: {
        s3: {
          regionendpoint: server.endpoint,
          // It takes no endpoint without the region of one of Amazon's.
          region: server.region,
          accesskey: server.accessKey,
          secretkey: server.secretKey,
          bucket,
          secure: false,
          ...(rootDirectory === "" ? {} : { rootdirectory: rootDirectory }),
        },
        delete: { enabled: true },
        redirect: { disable: true },
      },
      http: { addr: host, secret },
    }),
  );
  try {
    const daemon = await startDaemon("docker-registry", ["serve", path], {
      // Its HTTP transport is of a kind that its SDK can't give a bundle of certificates to: it would not start.
      env: { AWS_CA_BUNDLE: "" },
      ready: async () => (await fetch(`http://${host}/v2/`)).ok,
    });
    return {
      host,
      pid: daemon.pid,
      async [Symbol.asyncDispose]() {
        await daemon.stop();
        await folder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}
