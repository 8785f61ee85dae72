import { createVerify, generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeImage, writeLayout } from "../clients/images.js";
import { SLOW, useResources } from "../clients/site.js";
import { pushBlob, randomContent, type Content } from "@longshore/testkit/fixtures";
import { type Listening, serveHttp } from "@longshore/testkit/loopback";
import type { PeerName } from "@longshore/testkit/peer-list";
import { describePeers } from "@longshore/testkit/peers";
import { attempt } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startS3Server, type S3Kind, type S3Server } from "@longshore/testkit/s3/server";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";

const ROOT = "team/images";

function keyOf({ digest }: Content): string {
  const hex = digest.slice("sha256:".length);
  return `${ROOT}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

/** A registry over a bucket of its own. */
async function serve(server: S3Server, more: Readonly<Record<string, unknown>> = {}): Promise<RunningRegistry> {
  const s3 = {
    regionendpoint: server.endpoint,
    region: server.region,
    forcepathstyle: true,
    accesskey: server.accessKey,
    secretkey: server.secretKey,
    bucket: await server.newBucket(),
    rootdirectory: `/${ROOT}`,
  };
  const { storage = {}, ...rest } = more;
  return startRegistry({ config: { ...rest, storage: { filesystem: undefined, s3, ...Object(storage) } } });
}

const SERVERS: readonly (readonly [S3Kind, readonly [PeerName, ...PeerName[]]])[] = [
  ["stand-in", ["skopeo", "crane"]],
  ["ceph", ["ceph", "skopeo", "crane"]],
];

describe.each(SERVERS)("redirects to %s", (kind, peers) => {
  describePeers(`clients sent to S3 itself (${kind})`, peers, () => {
    const own = useResources();
    let server: S3Server;

    beforeAll(async () => {
      server = own(await startS3Server(kind));
    }, SLOW);

    it(
      "have an address that is good for one method and one blob",
      async () => {
        const { client } = own(await serve(server, { storage: { redirect: {} } }));
        const content = randomContent(10_000);
        await pushBlob(client, "a", content);
        const path = `/v2/a/blobs/${content.digest}`;
        const [got, headed] = [await client.ask({ path }), await client.ask({ method: "HEAD", path })];
        expect([got.status, headed.status]).toEqual([307, 307]);
        const url = new URL(got.headers.location ?? "");
        expect(url.pathname.endsWith(`/${keyOf(content)}`)).toBe(true);
        expect(url.searchParams.get("X-Amz-Expires")).toBe("1200");
        expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("host");
        expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(content.bytes)).toBe(true);
        const part = await fetch(url, { headers: { range: "bytes=10-19" } });
        expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, content.bytes.subarray(10, 20)]);
        const head = await fetch(headed.headers.location ?? "", { method: "HEAD" });
        expect([head.status, head.headers.get("content-length")]).toEqual([200, "10000"]);
        expect(
          (await fetch(String(url).replace(/Signature=(.)/, (_, digit) => `Signature=${digit === "0" ? 1 : 0}`)))
            .status,
        ).toBe(403);
        expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
      },
      SLOW,
    );

    it(
      "pull images with skopeo and crane",
      async () => {
        const registry = own(await serve(server));
        const folder = own(await makeTemporaryFolder("redirects")).path;
        const reference = `${registry.url.replace("http://", "")}/team/app:1`;
        const layout = join(folder, "layout");
        await writeLayout(layout, { single: makeImage("oci", { bulk: 12 * 1024 * 1024 }) });
        const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
        for (const args of [
          [...copy, `oci:${layout}:single`, `docker://${reference}`],
          [...copy, `docker://${reference}`, `dir:${folder}/copied`],
          // A second push finds every blob by a HEAD that is redirected.
          [...copy, `oci:${layout}:single`, `docker://${reference}-again`],
        ]) {
          const done = await attempt("skopeo", args);
          expect(done.code, done.stderr).toBe(0);
        }
        const pulled = await attempt("crane", ["pull", "--insecure", reference, join(folder, "pulled.tar")]);
        expect(pulled.code, pulled.stderr).toBe(0);
      },
      SLOW,
    );
  });
});

describe("CloudFront in front of S3", () => {
  const own = useResources();
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

  /** Gives out the bucket's objects to whoever shows a signature that CloudFront would take. */
  async function startCloudFront(read: (key: string) => Promise<Response>): Promise<Listening> {
    return serveHttp((request, response) => {
      const host = `http://${request.headers.host ?? ""}`;
      const { pathname, searchParams } = new URL(request.url ?? "", host);
      const expires = searchParams.get("Expires") ?? "";
      const policy = `{"Statement":[{"Resource":"${host}${pathname}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`;
      const signature = (searchParams.get("Signature") ?? "").replace(
        /[-_~]/g,
        (c) => ({ "-": "+", _: "=", "~": "/" })[c] ?? c,
      );
      const isSigned = createVerify("RSA-SHA1").update(policy).verify(publicKey, signature, "base64");
      if (!isSigned || Number(expires) * 1000 < Date.now()) {
        response.writeHead(403).end();
        return;
      }
      void read(decodeURIComponent(pathname.slice(1))).then(async (answer) => {
        response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
      });
    });
  }

  it(
    "is what clients are sent to, with a signature; those in AWS to S3 itself",
    async () => {
      const server = own(await startS3Server("stand-in"));
      const folder = own(await makeTemporaryFolder("cloudfront")).path;
      const privatekey = join(folder, "key.pem");
      await writeFile(privatekey, privateKey.export({ type: "pkcs1", format: "pem" }));
      const origin: { running?: RunningRegistry } = {};
      const distribution = own(
        await startCloudFront(async (key) => {
          // As the distribution's own access to the bucket: an address that the registry signs for it.
          const digest = `sha256:${key.split("/").at(-2) ?? ""}`;
          const answer = await origin.running?.client.ask({
            path: `/v2/a/blobs/${digest}`,
            headers: { "x-forwarded-for": "52.94.1.1" },
          });
          return fetch(answer?.headers.location ?? "");
        }),
      );
      const lists = own(await startListServer());
      const options = {
        baseurl: distribution.url,
        privatekey,
        keypairid: "K2JCJMDEHXQW5F",
        ipfilteredby: "aws",
        iprangesurl: lists.url,
      };
      const direct = own(
        await serve(server, {
          http: { trustedproxies: ["127.0.0.1"] },
          middleware: { storage: [{ name: "cloudfront", options }] },
        }),
      );
      origin.running = direct;
      const content = randomContent(5000);
      await pushBlob(direct.client, "a", content);
      const { client } = direct;
      const from = async (address: string): Promise<string> => {
        const headers = { "x-forwarded-for": address };
        return (await client.ask({ path: `/v2/a/blobs/${content.digest}`, headers })).headers.location ?? "";
      };
      await expect.poll(() => from("52.94.1.1")).toContain(server.endpoint);
      const signed = await from("203.0.113.9");
      expect(signed.startsWith(`${distribution.url}/${keyOf(content)}?Expires=`)).toBe(true);
      expect(Buffer.from(await (await fetch(signed)).arrayBuffer()).equals(content.bytes)).toBe(true);
      expect((await fetch(signed.replace(/Expires=\d/, "Expires=9"))).status).toBe(403);
      expect(direct.logs()).not.toContain("BEGIN RSA");
    },
    SLOW,
  );

  it("doesn't start with a missing key, and says which option is wrong", async () => {
    const server = own(await startS3Server("stand-in"));
    const options = { baseurl: "cdn.example", privatekey: "/nowhere/key.pem", keypairid: "K2" };
    const started = serve(server, {
      middleware: {
        storage: [
          { name: "rewrite", disabled: true },
          { name: "cloudfront", options },
        ],
      },
    });
    await expect(started).rejects.toThrow(
      "middleware.storage[1].options.privatekey: /nowhere/key.pem can't be read (ENOENT)",
    );
  });
});

async function startListServer(): Promise<{ url: string } & AsyncDisposable> {
  const list = JSON.stringify({ prefixes: [{ ip_prefix: "52.94.0.0/16", region: "us-east-1", service: "S3" }] });
  const server = await serveHttp((_, response) => response.end(list));
  return { ...server, url: `${server.url}/ip-ranges.json` };
}
