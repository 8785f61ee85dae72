import { spawnSync } from "node:child_process";
import { createPrivateKey, createSign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { createDriver, openRegistry, parseDigest, parseRepositoryName as parseName } from "@longshore/storage";
import { expectStatus, pushImage, type Image } from "@longshore/testkit/fixtures";
import { createHttpClient, type HttpClient } from "@longshore/testkit/http-client";
import { freePort, serveHttp } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { collectBytes } from "@longshore/testkit/streams";
import { copyRepositories, openRegistryTarget, storageTarget, type CopyTarget } from "../../src/index.js";
import { CERTIFICATE, KEY } from "./tls-site.js";
import { NAME, openUpstream, TAG, upstreamOptions } from "./site.js";

const LOGIN = { username: "ada", password: "secret" };

interface Distribution extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
}

/** Debian's docker-registry; `auth` is a part of its configuration, in which FOLDER stands for a directory of its own. */
async function startDistribution(auth: string, files: Readonly<Record<string, string>> = {}): Promise<Distribution> {
  const folder = await makeTemporaryFolder("distribution");
  const port = await freePort();
  for (const [name, content] of Object.entries(files)) await writeFile(`${folder.path}/${name}`, content);
  await writeFile(
    `${folder.path}/config.yml`,
    [
      "version: 0.1",
      `storage: {filesystem: {rootdirectory: ${folder.path}/data}}`,
      `http: {addr: "127.0.0.1:${port}", secret: s}`,
      auth.replaceAll("FOLDER", folder.path),
    ].join("\n"),
  );
  const url = `http://127.0.0.1:${port}`;
  const daemon = await startDaemon("docker-registry", ["serve", `${folder.path}/config.yml`], {
    ready: async () => (await fetch(`${url}/v2/`)).status < 500,
  });
  return {
    url,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      await folder.remove();
    },
  };
}

function htpasswd(): string {
  return spawnSync("htpasswd", ["-nbB", LOGIN.username, LOGIN.password], { encoding: "utf8" }).stdout;
}

/** Two images, one of them tagged, pushed with a user's credentials. */
async function seed(client: HttpClient, authorization: string): Promise<Image> {
  const authorised: HttpClient = {
    ...client,
    ask: (ask) => client.ask({ ...ask, headers: { ...ask.headers, authorization } }),
  };
  return pushImage(authorised, NAME, TAG);
}

describePeers("Distribution with htpasswd as an upstream", ["docker-registry", "htpasswd"], () => {
  it("is read with the password, and copied from and to", async () => {
    await using registry = await startDistribution("auth: {htpasswd: {realm: r, path: FOLDER/htpasswd}}", {
      htpasswd: htpasswd(),
    });
    const client = createHttpClient(registry.url);
    const image = await seed(client, `Basic ${Buffer.from("ada:secret").toString("base64")}`);
    client.close();
    await using upstream = openUpstream(registry.url, LOGIN);
    await upstream.ping();
    const { digest } = await upstream.resolveManifest(NAME, TAG);
    expect(digest).toBe(image.manifest.digest);
    expect((await upstream.fetchManifest(NAME, digest)).bytes).toEqual(image.manifest.bytes);
    const layer = image.layers[0] ?? image.config;
    const blob = parseDigest(layer.digest);
    expect(await upstream.blobSize(NAME, blob)).toBe(layer.bytes.byteLength);
    expect(await collectBytes(await upstream.openBlob(NAME, blob, { offset: 10 }))).toEqual(layer.bytes.subarray(10));
    expect((await upstream.tags(NAME)).items).toEqual([TAG]);
    expect((await upstream.repositories()).items).toEqual([NAME]);
    expect(await upstream.referrers(NAME, digest)).toEqual([]);

    const driver = await createDriver("inmemory", {});
    const opened = openRegistryTarget(upstreamOptions({ remoteurl: registry.url, ...LOGIN }), { environment: {} });
    const copy = (target: CopyTarget, name: string) =>
      copyRepositories({
        source: upstream,
        target,
        repositories: ["**"],
        tags: ["*"],
        rename: () => parseName(name),
        platforms: undefined,
        referrers: true,
        full: false,
        dryRun: false,
        jobs: 2,
        signal: new AbortController().signal,
      });
    expect(await copy(storageTarget(openRegistry(driver)), "here")).toMatchObject({ copied: 1, failed: 0 });
    expect(await copy(opened.target, "there")).toMatchObject({ copied: 1, failed: 0 });
    expect((await upstream.resolveManifest(parseName("there"), TAG)).digest).toBe(digest);
    await opened.close();
    await driver.close();
  });

  it("denies what the password doesn't open", async () => {
    await using registry = await startDistribution("auth: {htpasswd: {realm: r, path: FOLDER/htpasswd}}", {
      htpasswd: htpasswd(),
    });
    await using upstream = openUpstream(registry.url, { ...LOGIN, password: "wrong" });
    await expect(upstream.fetchManifest(NAME, TAG)).rejects.toThrow(/denies access/);
  });
});

describePeers("Distribution with tokens as an upstream", ["docker-registry"], () => {
  it("is read with tokens of a small token server, a stand-in that gives everything to its one user", async () => {
    const signer = createSigner();
    await using issuer = await serveHttp((request, response) => {
      const url = new URL(request.url ?? "", "http://token");
      const isUser = request.headers.authorization === `Basic ${Buffer.from("ada:secret").toString("base64")}`;
      const access = url.searchParams.getAll("scope").flatMap((scope) => {
        const [type, name, actions = ""] = scope.split(":");
        return isUser ? [{ type, name, actions: actions.split(",") }] : [];
      });
      response.end(JSON.stringify({ token: signer.sign(access), expires_in: 300 }));
    });
    await using registry = await startDistribution(
      `auth: {token: {realm: "${issuer.url}/token", service: s, issuer: i, rootcertbundle: FOLDER/root.pem}}`,
      { "root.pem": signer.certificate },
    );
    const client = createHttpClient(registry.url);
    const pushing = signer.sign([{ type: "repository", name: NAME, actions: ["pull", "push"] }]);
    const image = await seed(client, `Bearer ${pushing}`);
    expectStatus(await client.ask({ path: "/v2/" }), 401);
    client.close();
    await using upstream = openUpstream(registry.url, LOGIN);
    expect((await upstream.fetchManifest(NAME, TAG)).bytes).toEqual(image.manifest.bytes);
    expect((await upstream.repositories()).items).toEqual([NAME]);
    await using stranger = openUpstream(registry.url);
    await expect(stranger.fetchManifest(NAME, TAG)).rejects.toThrow(/denies access/);
  });
});

/** Signs what Distribution takes for a token: the certificate comes along (x5c). */
function createSigner(): { readonly certificate: string; sign(access: readonly unknown[]): string } {
  const privateKey = createPrivateKey(KEY);
  const der = CERTIFICATE.replace(/-----[^-]+-----|\s/g, "");
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    certificate: CERTIFICATE,
    sign(access) {
      const now = Math.floor(Date.now() / 1000);
      const head = encode({ typ: "JWT", alg: "ES256", x5c: [der] });
      const claims = { iss: "i", sub: "ada", aud: "s", exp: now + 600, nbf: now - 60, iat: now, jti: "1", access };
      const text = `${head}.${encode(claims)}`;
      const signature = createSign("sha256").update(text).sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${text}.${signature.toString("base64url")}`;
    },
  };
}
