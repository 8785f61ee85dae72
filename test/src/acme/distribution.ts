import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";

/** Debian's docker-registry, with certificates from `cache` alone: it has no way to an authority. */
export async function serveDistribution({
  folder,
  cache,
  host,
}: {
  readonly folder: string;
  readonly cache: string;
  readonly host: string;
}): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  const file = join(folder, "distribution.yml");
  const configuration = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, "distribution") } },
    http: {
      addr: `127.0.0.1:${port}`,
      tls: { letsencrypt: { cachefile: cache, email: "someone@example.test", hosts: [host] } },
    },
  };
  await writeFile(file, stringify(configuration));
  const daemon = await startDaemon("docker-registry", ["serve", file], {
    // Whatever it might ask, it asks nobody.
    env: { HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9" },
    ready: (output) => output.includes("listening on"),
  });
  return { port, [Symbol.asyncDispose]: async () => void (await daemon.stop()) };
}
