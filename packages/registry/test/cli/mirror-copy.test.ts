import { writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { expect, it } from "vitest";
import { expectStatus, pushImage } from "@longshore/testkit/fixtures";
import { attempt } from "@longshore/testkit/processes";
import { startApi, startRegistry } from "@longshore/testkit/start-registry";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { PROGRAM } from "@longshore/testkit/project";
import { stringify } from "yaml";
import { createTlsServer } from "../../../mirror/test/upstream/tls-site.js";

it("mirror copy brings repositories into the storage of a registry that serves", async () => {
  await using source = await startApi();
  await using target = await startRegistry();
  await using folder = await makeTemporaryFolder("copy");
  const image = await pushImage(source.client, "team/app", "v1");
  const config = `${folder.path}/config.yml`;
  await writeFile(config, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${target.root}}}\nhttp: {addr: ":0"}\n`);
  const copy = (...flags: string[]) =>
    attempt(process.execPath, [PROGRAM, "mirror", "copy", config, `${source.client.origin}/**`, "mirror", ...flags]);

  const rehearsed = await copy("--dry-run");
  expect(rehearsed).toMatchObject({ code: 0 });
  expect(rehearsed.stderr).toContain("dry run: 1 tag would be copied");
  const copied = await copy();
  expect(copied.code).toBe(0);
  expect(copied.stdout).toMatch(/team\/app:v1 -> mirror\/team\/app:v1\n$/);
  const got = expectStatus(await target.client.ask({ path: "/v2/mirror/team/app/manifests/v1" }), 200);
  expect(got.body).toEqual(image.manifest.bytes);
  const again = await copy();
  expect(again).toMatchObject({ code: 0, stdout: "" });
  expect(again.stderr).toContain("0 tags copied");
  expect((await copy("--jobs", "many")).stderr).toContain("a number from 1 to 64");
});

it("mirror copy has TLS settings and credentials from the upstream that the source matches", async () => {
  await using source = await startApi();
  await using target = await startRegistry();
  await using folder = await makeTemporaryFolder("copy");
  const image = await pushImage(source.client, "team/app", "v1");
  const relay: RequestListener = (request, response) => {
    const headers = { accept: request.headers.accept ?? "*/*" };
    void source.client.ask({ method: request.method ?? "GET", path: request.url ?? "/", headers }).then((answer) => {
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  };
  await using site = await createTlsServer(relay, { requestCert: true });
  const origin = `https://${site.host}`;
  const config = `${folder.path}/config.yml`;
  const copyWith = async (tls: object) => {
    const storage = { filesystem: { rootdirectory: target.root } };
    const upstreams = [{ prefix: "closed.test", remoteurl: origin, retries: 0, tls }];
    await writeFile(config, stringify({ version: 0.1, storage, http: { addr: ":0" }, proxy: { upstreams } }));
    return attempt(process.execPath, [PROGRAM, "mirror", "copy", config, `${origin}/team/app:v1`, "mirror/app"]);
  };
  const authorities = { ca: [site.caFile] };
  const unknown = await copyWith({});
  expect([unknown.code, unknown.stdout]).toEqual([1, ""]);
  // An authority alone isn't enough: the source wants to see a certificate.
  const anonymous = await copyWith(authorities);
  expect([anonymous.code, anonymous.stdout]).toEqual([1, ""]);
  const copied = await copyWith({ ...authorities, certificate: site.certFile, key: site.keyFile });
  expect(copied).toMatchObject({ code: 0 });
  const got = expectStatus(await target.client.ask({ path: "/v2/mirror/app/manifests/v1" }), 200);
  expect(got.body).toEqual(image.manifest.bytes);
});
