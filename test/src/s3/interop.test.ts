import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Image, makeImage, makeMultiArch, type MultiArch, writeLayout } from "../clients/images.js";
import { inspect } from "../clients/inspect.js";
import { pickList } from "../clients/json.js";
import { SLOW, useResources } from "../clients/site.js";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { createS3Client, s3Parameters, type S3Server, startS3Server } from "@longshore/testkit/s3/server";
import { SECRET } from "@longshore/testkit/start-registry";
import { digestOf } from "@longshore/testkit/fixtures";
import { type RunningOriginal, startOriginal } from "./original.js";
import { type Replica, startReplica } from "./replicas.js";

const ROOT = "some/registry";

describePeers("one bucket, two registries", ["docker-registry", "ceph", "skopeo", "crane"], () => {
  const own = useResources();
  const images: Readonly<Record<string, Image | MultiArch>> = {
    small: makeImage("oci"),
    // Several parts, and a copy in parts, in both.
    large: makeImage("oci", { bulk: 45 * 1024 * 1024 }),
    index: makeMultiArch("oci", ["amd64", "arm64"]),
  };
  let server: S3Server;
  let client: S3Client;
  let folder: string;

  beforeAll(async () => {
    server = own(await startS3Server("ceph", { cephStore: "bluestore" }));
    client = createS3Client(server);
    folder = own(await makeTemporaryFolder("interop")).path;
    for (const [name, image] of Object.entries(images)) await writeLayout(join(folder, name), { latest: image });
  }, SLOW);
  afterAll(() => client.destroy());

  /** Every key with its content's digest. */
  const contents = async (bucket: string): Promise<ReadonlyMap<string, string>> => {
    const found = new Map<string, string>();
    let StartAfter: string | undefined;
    for (;;) {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, StartAfter }));
      for (const { Key = "" } of page.Contents ?? []) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
        found.set(Key, digestOf((await Body?.transformToByteArray()) ?? Buffer.alloc(0)));
        StartAfter = Key;
      }
      if (page.IsTruncated !== true) return found;
    }
  };

  /** What docker's tools hold of the layout named so, pushed with both. */
  const push = async (host: string, name: string): Promise<void> => {
    const layout = join(folder, name);
    await run("crane", ["push", "--insecure", layout, `${host}/by-crane/${name}:1`]);
    const flags = ["--dest-tls-verify=false", "--preserve-digests", "--all"];
    await run("skopeo", [
      "--insecure-policy",
      "copy",
      ...flags,
      `oci:${layout}:latest`,
      `docker://${host}/by-skopeo/${name}:1`,
    ]);
  };

  const expectServed = async (host: string): Promise<void> => {
    const held = inspect(host);
    for (const by of ["by-crane", "by-skopeo"]) {
      for (const [name, image] of Object.entries(images)) {
        expect(await held.resolve(`${by}/${name}`, "1")).toBe(image.manifest.digest);
        await held.verify(`${by}/${name}`, "1");
        expect(await held.tags(`${by}/${name}`)).toEqual(["1"]);
        await run("crane", [
          "pull",
          "--insecure",
          "--format=oci",
          `${host}/${by}/${name}:1`,
          join(folder, `crane-${by}-${name}`),
        ]);
        const target = `dir:${join(folder, `skopeo-${by}-${name}`)}`;
        await run("skopeo", [
          "--insecure-policy",
          "copy",
          "--src-tls-verify=false",
          "--all",
          `docker://${host}/${by}/${name}:1`,
          target,
        ]);
      }
    }
    const catalog: unknown = await (await fetch(`http://${host}/v2/_catalog?n=100`)).json();
    const names = Object.keys(images);
    expect(pickList(catalog, "repositories")).toEqual(
      ["by-crane", "by-skopeo"].flatMap((by) => names.map((name) => `${by}/${name}`).sort()),
    );
  };

  const startOurs = (bucket: string): Promise<Replica> =>
    startReplica({
      s3: { ...s3Parameters(server, bucket), rootdirectory: ROOT },
      storage: { redirect: { disable: true } },
    });
  const startTheirs = (bucket: string): Promise<RunningOriginal> =>
    startOriginal(server, bucket, { secret: SECRET, rootDirectory: ROOT });

  describe("what Distribution wrote", () => {
    it(
      "is served by ours, and no byte of it changed",
      async () => {
        const bucket = await server.newBucket();
        await using original = await startTheirs(bucket);
        for (const name of Object.keys(images)) await push(original.host, name);
        const before = await contents(bucket);
        const ours = await startOurs(bucket);
        try {
          await expectServed(ours.host);
          expect(await contents(bucket)).toEqual(before);
          // It is one registry's data: what ours adds, Distribution serves.
          const added = makeImage("oci");
          await inspect(ours.host).push("added/here", "2", added);
          await inspect(original.host).verify("added/here", "2");
          await inspect(original.host).push("by-crane/small", "moved", makeImage("oci"));
          await inspect(ours.host).verify("by-crane/small", "moved");
        } finally {
          await ours.stop();
        }
      },
      2 * SLOW,
    );
  });

  describe("what ours wrote", () => {
    it(
      "is served by the original, with nothing of ours in its way",
      async () => {
        const bucket = await server.newBucket();
        const ours = await startOurs(bucket);
        try {
          for (const name of Object.keys(images)) await push(ours.host, name);
          await using original = await startTheirs(bucket);
          await expectServed(original.host);
          const held = inspect(original.host);
          await held.deleteManifest("by-crane/small", images["small"]?.manifest.digest ?? "");
          expect(await inspect(ours.host).resolve("by-crane/small", "1")).toBeUndefined();
        } finally {
          await ours.stop();
        }
      },
      2 * SLOW,
    );
  });
});
