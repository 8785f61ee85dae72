import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeImage, writeLayout } from "../clients/images.js";
import { SLOW, useResources } from "../clients/site.js";
import { pushBlob, pushImage, randomContent, type Content } from "@longshore/testkit/fixtures";
import { describePeers } from "@longshore/testkit/peers";
import { freePort } from "@longshore/testkit/loopback";
import { attempt, startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startRegistry, type RunningRegistry } from "@longshore/testkit/start-registry";

/** Where the file of a blob is, below a storage's root. */
function fileOf({ digest }: Content): string {
  const hex = digest.slice("sha256:".length);
  return `/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

function redirectTo(baseurl: string): object {
  return { storage: [{ name: "redirect", options: { baseurl } }] };
}

describe("redirects", () => {
  const own = useResources();
  const start = async (config: Readonly<Record<string, unknown>>): Promise<RunningRegistry> =>
    own(await startRegistry({ config: { middleware: redirectTo("https://cdn.example/base"), ...config } }));
  const from = (address: string) => ({ "x-forwarded-for": address });

  it("send GET and HEAD of a blob elsewhere, and nothing else", async () => {
    const { client } = await start({});
    const content = randomContent();
    await pushBlob(client, "a", content);
    for (const method of ["GET", "HEAD"]) {
      const answer = await client.ask({
        method,
        path: `/v2/a/blobs/${content.digest}`,
        headers: { range: "bytes=0-1" },
      });
      expect([method, answer.status, answer.headers.location]).toEqual([
        method,
        307,
        `https://cdn.example/base${fileOf(content)}`,
      ]);
      expect(answer.headers).toMatchObject({ "content-type": "application/octet-stream", "content-length": "0" });
      expect(Object.keys(answer.headers)).not.toEqual(expect.arrayContaining(["docker-content-digest"]));
      expect(answer.headers.etag).toBeUndefined();
    }
    const { manifest } = await pushImage(client, "a", "latest");
    for (const reference of ["latest", manifest.digest]) {
      expect((await client.ask({ path: `/v2/a/manifests/${reference}` })).status).toBe(200);
    }
    const missing = randomContent();
    expect((await client.ask({ path: `/v2/a/blobs/${missing.digest}` })).code()).toBe("BLOB_UNKNOWN");
    expect((await client.ask({ path: `/v2/b/blobs/${content.digest}` })).code()).toBe("BLOB_UNKNOWN");
  });

  it("leave out clients that ask for several ranges, which S3 doesn't know", async () => {
    const { client } = await start({});
    const content = randomContent();
    await pushBlob(client, "a", content);
    const statusOf = async (range: string, ifRange = `"${content.digest}"`): Promise<number> =>
      (await client.ask({ path: `/v2/a/blobs/${content.digest}`, headers: { range, "if-range": ifRange } })).status;
    expect(await statusOf("bytes=0-1,4-5")).toBe(206);
    expect([
      await statusOf("bytes=0-1,"),
      await statusOf("bytes=0-,0-"),
      await statusOf("bytes=0-1,4-5", '"x"'),
    ]).toEqual([307, 307, 307]);
  });

  it("are off with storage.redirect.disable", async () => {
    const registry = await start({ storage: { redirect: { disable: true } } });
    const { client } = registry;
    const content = randomContent();
    await pushBlob(client, "a", content);
    const answer = await client.ask({ path: `/v2/a/blobs/${content.digest}` });
    expect([answer.status, answer.body]).toEqual([200, content.bytes]);
    expect(registry.logs()).toContain("middleware.storage: has no effect with storage.redirect.disable: true");
  });

  it("depend on the client's network, as reported by a trusted proxy", async () => {
    const clients = [
      { networks: ["10.1.0.0/16", "fd00::/8"], disable: true },
      { networks: ["10.0.0.0/8", "192.0.2.7"], disable: false },
    ];
    const storage = { redirect: { disable: true, clients } };
    const { client } = await start({ storage, http: { trustedproxies: ["127.0.0.1"] } });
    const content = randomContent();
    await pushBlob(client, "a", content);
    for (const [address, status] of [
      ["10.1.2.3", 200],
      ["10.2.2.3", 307],
      ["fd00::9", 200],
      ["192.0.2.7", 307],
      ["192.0.2.8", 200],
      ["::ffff:10.2.2.3", 307],
    ] as const) {
      const answer = await client.ask({ path: `/v2/a/blobs/${content.digest}`, headers: from(address) });
      expect([address, answer.status]).toEqual([address, status]);
    }
    const direct = await start({ storage });
    await pushBlob(direct.client, "a", content);
    const claimed = await direct.client.ask({ path: `/v2/a/blobs/${content.digest}`, headers: from("10.2.2.3") });
    expect(claimed.status).toBe(200);
  });

  it("go where the last middleware directs", async () => {
    const { client } = await start({
      middleware: {
        storage: [
          { name: "redirect", options: { baseurl: "https://first.example/bucket" } },
          { name: "redirect", disabled: true, options: { baseurl: "https://never.example" } },
          { name: "rewrite", options: { scheme: "http", host: "last.example:81", trimpathprefix: "/bucket" } },
        ],
      },
    });
    const content = randomContent();
    await pushBlob(client, "a", content);
    const answer = await client.ask({ path: `/v2/a/blobs/${content.digest}` });
    expect(answer.headers.location).toBe(`http://last.example:81${fileOf(content)}`);
  });
});

describePeers("blobs fetched from a CDN (nginx) by skopeo and crane", ["nginx", "skopeo", "crane"], () => {
  const own = useResources();

  it(
    "come whole",
    async () => {
      const folder = own(await makeTemporaryFolder("cdn")).path;
      const root = join(folder, "data");
      await mkdir(root);
      const port = await freePort();
      await writeFile(
        join(folder, "nginx.conf"),
        `daemon off; error_log stderr warn; pid ${folder}/nginx.pid; worker_processes 1; user root;
events { worker_connections 256; }
http {
  access_log ${folder}/access.log;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location /cdn/ { alias ${root}/; } }
}
`,
      );
      const cdn = await startDaemon("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
        ready: async () => (await fetch(`http://127.0.0.1:${port}/`)).status > 0,
      });
      own({ [Symbol.asyncDispose]: async () => void (await cdn.stop()) });
      const registry = own(
        await startRegistry({ root, config: { middleware: redirectTo(`http://127.0.0.1:${port}/cdn/`) } }),
      );
      const reference = `${registry.url.replace("http://", "")}/team/app:1`;
      const layout = join(folder, "layout");
      await writeLayout(layout, { single: makeImage("oci", { bulk: 2 * 1024 * 1024 }) });
      const insecure = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
      const pushed = await attempt("skopeo", [...insecure, `oci:${layout}:single`, `docker://${reference}`]);
      expect(pushed.code, pushed.stderr).toBe(0);
      const copied = await attempt("skopeo", [...insecure, `docker://${reference}`, `dir:${folder}/copied`]);
      expect(copied.code, copied.stderr).toBe(0);
      const pulled = await attempt("crane", ["pull", "--insecure", reference, join(folder, "pulled.tar")]);
      expect(pulled.code, pulled.stderr).toBe(0);
      const fetched = await readFile(join(folder, "access.log"), "utf8");
      expect(
        fetched.match(/"GET \/cdn\/docker\/registry\/v2\/blobs\/sha256\/[^ ]*\/data HTTP\/1\.1" 200/g)?.length,
      ).toBeGreaterThan(2);
      const again = await attempt("skopeo", [...insecure, `oci:${layout}:single`, `docker://${reference}-again`]);
      expect(again.code, again.stderr).toBe(0);
    },
    SLOW,
  );
});
