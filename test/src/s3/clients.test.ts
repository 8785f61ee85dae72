import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { startDockerEngine } from "../clients/docker-engine.js";
import { dockerArchive, makeImage, makeMultiArch, writeLayout } from "../clients/images.js";
import { type Inspector, inspect } from "../clients/inspect.js";
import { parseJson, pickText } from "../clients/json.js";
import { SLOW, useResources } from "../clients/site.js";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { s3Parameters, startS3Server } from "@longshore/testkit/s3/server";
import { digestOf } from "@longshore/testkit/fixtures";
import { startCluster } from "./replicas.js";

const MIB = 1024 * 1024;

// The clients follow redirects to the bucket, as they do by default.
describePeers(
  "real clients over S3 with three replicas",
  ["ceph", "nginx", "docker", "skopeo", "podman", "crane", "oras"],
  () => {
    const own = useResources();
    const image = makeImage("docker", { bulk: 20 * MIB });
    let folder: string;
    let host: string;
    let held: Inspector;

    beforeAll(async () => {
      const server = own(await startS3Server("ceph"));
      folder = own(await makeTemporaryFolder("s3-clients")).path;
      host = own(await startCluster(3, { s3: s3Parameters(server, await server.newBucket()) })).host;
      held = inspect(host);
      await writeLayout(join(folder, "layout"), { latest: makeMultiArch("oci", ["amd64", "arm64"]) });
      await writeFile(join(folder, "image.tar"), dockerArchive(image, "fixture:1"));
    }, SLOW);

    it(
      "docker pushes, and pulls what it pushed",
      async () => {
        const engine = own(await startDockerEngine());
        await engine.docker(["load"], { input: dockerArchive(image, "fixture:1") });
        await engine.docker(["tag", "fixture:1", `${host}/docker/app:1`]);
        await engine.docker(["push", `${host}/docker/app:1`]);
        await held.verify("docker/app", "1");
        await engine.docker(["rmi", "--force", image.config.digest]);
        await engine.docker(["pull", `${host}/docker/app:1`]);
        const { stdout } = await engine.docker(["image", "inspect", "--format={{.Id}}", `${host}/docker/app:1`]);
        expect(stdout.trim()).toBe(image.config.digest);
      },
      SLOW,
    );

    it(
      "skopeo copies every platform there and back",
      async () => {
        const skopeo = (...args: string[]) => run("skopeo", ["--insecure-policy", "copy", "--all", ...args]);
        await skopeo(
          "--dest-tls-verify=false",
          `oci:${join(folder, "layout")}:latest`,
          `docker://${host}/skopeo/app:1`,
        );
        const digests = await held.verify("skopeo/app", "1");
        const back = join(folder, "skopeo-back");
        await skopeo("--src-tls-verify=false", `docker://${host}/skopeo/app:1`, `dir:${back}`);
        expect(digests).toContain(digestOf(await readFile(join(back, "manifest.json"))));
      },
      SLOW,
    );

    it(
      "podman pushes, and pulls what it pushed",
      async () => {
        const storage = [
          `--root=${join(folder, "podman")}`,
          `--runroot=${join(folder, "podman-run")}`,
          `--tmpdir=${join(folder, "podman-tmp")}`,
          "--storage-driver=vfs",
          "--cgroup-manager=cgroupfs",
          "--events-backend=none",
        ];
        const podman = (...args: string[]) => run("podman", [...storage, ...args]);
        await podman("load", `--input=${join(folder, "image.tar")}`);
        await podman("push", "--tls-verify=false", "fixture:1", `${host}/podman/app:1`);
        await held.verify("podman/app", "1");
        await podman("rmi", "--all", "--force");
        await podman("pull", "--tls-verify=false", `${host}/podman/app:1`);
      },
      SLOW,
    );

    it(
      "crane pushes and validates, and copies within the registry",
      async () => {
        await run("crane", ["push", join(folder, "layout"), `${host}/crane/app:1`]);
        await held.verify("crane/app", "1");
        await run("crane", ["validate", "--remote", `${host}/crane/app:1`]);
        await run("crane", ["copy", `${host}/crane/app:1`, `${host}/crane/copy:2`]);
        expect(await held.verify("crane/copy", "2")).toEqual(await held.verify("crane/app", "1"));
        const { stdout } = await run("crane", ["ls", `${host}/crane/copy`]);
        expect(stdout.trim()).toBe("2");
      },
      SLOW,
    );

    it(
      "oras pushes a file, attaches to it, discovers and pulls",
      async () => {
        const bulk = randomBytes(20 * MIB);
        await writeFile(join(folder, "bulk.bin"), bulk);
        const oras = async (...args: string[]) => (await run("oras", args, { cwd: folder })).stdout;
        const name = `${host}/oras/file:1`;
        await oras("push", "--plain-http", name, "bulk.bin:application/x-bulk");
        await writeFile(join(folder, "note.txt"), "a note");
        const attached = parseJson(
          await oras(
            "attach",
            "--plain-http",
            "--format=json",
            "--artifact-type=application/vnd.example.note",
            name,
            "note.txt:text/plain",
          ),
        );
        expect(await oras("discover", "--plain-http", "--format=json", name)).toContain(pickText(attached, "digest"));
        const back = join(folder, "oras-back");
        await mkdir(back);
        await oras("pull", "--plain-http", `--output=${back}`, name);
        expect(digestOf(await readFile(join(back, "bulk.bin")))).toBe(digestOf(bulk));
      },
      SLOW,
    );
  },
);
