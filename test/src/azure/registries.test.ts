import { once } from "node:events";
import { request } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { azureParameters, startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { startAzureFront, type AzureFront } from "@longshore/testkit/azure/front";
import { randomContent, type Content } from "@longshore/testkit/fixtures";
import { fetchExpecting } from "@longshore/testkit/fetch-expecting";
import { describePeers } from "@longshore/testkit/peers";
import { attempt, run } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { startFaultProxy } from "@longshore/testkit/s3/fault-proxy";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { contentsOf, makeImage, writeLayout } from "../clients/images.js";
import { SLOW, useResources } from "../clients/site.js";
import { pullImage, pushImage, RequestFailed } from "../s3/pushes.js";
import { startCluster, startReplica, type Replica } from "../s3/replicas.js";

const MIB = 1024 * 1024;
const V2 = "docker/registry/v2";

function blobName({ digest }: Content): string {
  const hex = digest.slice("sha256:".length);
  return `${V2}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

describePeers("registries over one container of Azure Blob Storage", ["azurite"], () => {
  const own = useResources();
  let azurite: Azurite;
  let front: AzureFront;

  beforeAll(async () => {
    azurite = own(await startAzurite());
    front = own(await startAzureFront(azurite));
  }, SLOW);

  const bytesOf = (container: string, name: string): Promise<Buffer> =>
    azurite.client.getContainerClient(container).getBlobClient(name).downloadToBuffer();

  it(
    "continue the upload of one that was killed in the middle of it, and keep the bytes at Distribution's path",
    async () => {
      const container = await azurite.newContainer();
      const { accountkey = "", ...azure } = azureParameters(front, container);
      const env = {
        REGISTRY_STORAGE_AZURE_ACCOUNTKEY: accountkey,
        REGISTRY_STORAGE_AZURE_CREDENTIALS_TYPE: "shared_key",
      };
      const replica = async (): Promise<Replica> => {
        const one = await startReplica({ storage: { azure }, http: { workers: 2 }, env });
        own({ [Symbol.asyncDispose]: () => one.stop() });
        return one;
      };
      const [first, second] = [await replica(), await replica()];
      const content = randomContent(30 * MIB);
      const start = await fetchExpecting(202, `http://${first.host}/v2/a/blobs/uploads/`, { method: "POST" });
      const patch = async (from: Response, bytes: Buffer, host: string): Promise<Response> =>
        fetchExpecting(202, at(from, host), { method: "PATCH", body: bytes });
      const begun = await patch(start, content.bytes.subarray(0, 12 * MIB), first.host);

      // A block of the next chunk has arrived when the registry is gone.
      const dying = request(at(begun, first.host), { method: "PATCH", headers: { "content-length": 18 * MIB } });
      const gone = once(dying, "error");
      front.clear();
      dying.write(content.bytes.subarray(12 * MIB, 25 * MIB));
      await expect.poll(() => front.counts().PutBlock ?? 0).toBeGreaterThan(0);
      await first.kill();
      await gone;

      const status = await fetchExpecting(204, at(begun, second.host));
      expect(status.headers.get("range")).toBe(`0-${12 * MIB - 1}`);
      const rest = await patch(status, content.bytes.subarray(12 * MIB), second.host);
      const end = at(rest, second.host);
      end.searchParams.set("digest", content.digest);
      await fetchExpecting(201, end, { method: "PUT" });
      const pulled = await fetchExpecting(200, `http://${second.host}/v2/a/blobs/${content.digest}`);
      expect(Buffer.from(await pulled.arrayBuffer()).equals(content.bytes)).toBe(true);
      expect((await bytesOf(container, blobName(content))).equals(content.bytes)).toBe(true);
    },
    SLOW,
  );

  it(
    "redirect clients to the container, or serve the bytes themselves",
    async () => {
      const azure = azureParameters(front, await azurite.newContainer());
      const content = randomContent(3 * MIB);
      for (const [disable, status] of [
        [false, 307],
        [true, 200],
      ] as const) {
        const replica = await startReplica({ storage: { azure, redirect: { disable } } });
        own({ [Symbol.asyncDispose]: () => replica.stop() });
        const url = `http://${replica.host}/v2/r/blobs`;
        const start = await fetchExpecting(202, `${url}/uploads/`, { method: "POST" });
        const end = at(start, replica.host);
        end.searchParams.set("digest", content.digest);
        await fetchExpecting(201, end, { method: "PUT", body: content.bytes });
        const answer = await fetch(`${url}/${content.digest}`, { redirect: "manual" });
        expect(answer.status).toBe(status);
        await answer.arrayBuffer();
        const bytes = await (await fetchExpecting(200, `${url}/${content.digest}`)).arrayBuffer();
        expect(Buffer.from(bytes).equals(content.bytes)).toBe(true);
      }
    },
    SLOW,
  );

  it(
    "lose nothing that was acknowledged while the service answers with errors, breaks and stalls",
    async () => {
      const proxy = own(await startFaultProxy(new URL(azurite.serviceUrl).origin, { stall: 300 }));
      const serviceUrl = azurite.serviceUrl.replace(new URL(azurite.serviceUrl).origin, proxy.endpoint);
      const azure = azureParameters({ ...azurite, serviceUrl }, await azurite.newContainer());
      const replica = await startReplica({ storage: { azure, redirect: { disable: true } }, http: { workers: 2 } });
      own({ [Symbol.asyncDispose]: () => replica.stop() });
      const again = async (work: () => Promise<void>): Promise<void> => {
        for (let tries = 0; ; tries += 1) {
          try {
            await work();
            return;
          } catch (error) {
            if (!(error instanceof RequestFailed) || tries > 5) throw error;
            expect([0, 503]).toContain(error.status);
          }
        }
      };
      const images = Array.from({ length: 6 }, (_, index) => makeImage("oci", { bulk: index < 2 ? 11 * MIB : 30_000 }));
      await Promise.all(images.map((image, index) => again(() => pushImage(replica.host, `f/n${index}`, "1", image))));
      for (const [index, image] of images.entries())
        await again(() => pullImage(replica.host, `f/n${index}`, "1", image));
      expect((proxy.counts.get("requests") ?? 0) - (proxy.counts.get("pass") ?? 0)).toBeGreaterThan(5);
    },
    SLOW,
  );

  it(
    "have their garbage collected, and are checked by verify",
    async () => {
      const folder = own(await makeTemporaryFolder("azure"));
      const container = await azurite.newContainer();
      const azure = azureParameters(front, container);
      const replica = await startReplica({ storage: { azure } });
      own({ [Symbol.asyncDispose]: () => replica.stop() });
      const [kept, removed] = [makeImage("oci"), makeImage("oci")];
      await pushImage(replica.host, "g/a", "kept", kept);
      await pushImage(replica.host, "g/a", "removed", removed);
      await fetchExpecting(202, `http://${replica.host}/v2/g/a/manifests/${removed.manifest.digest}`, {
        method: "DELETE",
      });
      // Azure tells times in whole seconds.
      const pushed = Date.now();
      await expect.poll(() => Date.now(), { interval: 100 }).toBeGreaterThan(pushed + 2000);
      const config = join(folder.path, "config.yml");
      const write = (parameters: unknown): Promise<void> =>
        writeFile(config, JSON.stringify({ version: 0.1, storage: { azure: parameters } }));
      await write(azure);
      const { stdout } = await run(process.execPath, [PROGRAM, "garbage-collect", "--grace-period", "0s", config]);
      expect(stdout).toContain("eligible for deletion");
      const names = (await azurite.inventory(container)).map((line) => line.slice(1, line.lastIndexOf(" ")));
      for (const each of contentsOf(kept)) expect(names).toContain(blobName(each));
      const shared = new Set(contentsOf(kept).map(({ digest }) => digest));
      const unused = contentsOf(removed).filter(({ digest }) => !shared.has(digest));
      expect(unused.length).toBeGreaterThan(1);
      for (const each of unused) expect(names).not.toContain(blobName(each));
      await pullImage(replica.host, "g/a", "kept", kept);

      expect((await attempt(process.execPath, [PROGRAM, "verify", config])).stdout).toContain("no errors");
      await write({ ...azure, container: "not-there" });
      const verified = await attempt(process.execPath, [PROGRAM, "verify", config]);
      expect(verified.stdout + verified.stderr).toMatch(
        /the container not-there can't be used: .*create the container/,
      );
      expect(verified.stdout + verified.stderr).not.toContain(azure["accountkey"]);
    },
    SLOW,
  );

  describePeers("with real clients", ["azurite", "nginx", "skopeo"], () => {
    it(
      "that push to three replicas in turn and are redirected to the container",
      async () => {
        const azure = azureParameters(front, await azurite.newContainer());
        const cluster = own(await startCluster(3, { storage: { azure } }));
        const folder = own(await makeTemporaryFolder("azure-clients")).path;
        const layout = join(folder, "layout");
        await writeLayout(layout, { single: makeImage("oci", { bulk: 24 * MIB }) });
        const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
        const name = `docker://${cluster.host}/team/app:1`;
        await run("skopeo", [...copy, `oci:${layout}:single`, name]);
        await run("skopeo", [...copy, name, `dir:${folder}/copied`]);
        await run("skopeo", [...copy, name, `${name}-again`]);
      },
      SLOW,
    );
  });
});

/** Where an upload goes on, at another replica. */
function at({ headers, url }: Response, host: string): URL {
  const next = new URL(headers.get("location") ?? url, url);
  next.host = host;
  return next;
}
