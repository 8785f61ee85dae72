import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { NEWER } from "@longshore/testkit/programs";
import { makeImage } from "./images.js";
import { parseJson, pick, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

/** Files of an image whose pull is partial, and their size in bytes. */
const FILES = 8;
const SIZE = 100_000;

describePeers("what podman and skopeo learnt later", ["newer-clients"], () => {
  const site = useSite("podman-newer");
  const at = (name: string) => join(site().folder, name);

  beforeAll(async () => {
    const places = `driver = "overlay"\nrunroot = "${at("run")}"\ngraphroot = "${at("storage")}"`;
    const options = `pull_options = { enable_partial_images = "true" }`;
    await writeFile(at("storage.conf"), `[storage]\n${places}\n[storage.options]\n${options}\n`);
  }, SLOW);

  const podman = (...args: string[]) =>
    NEWER.run("podman", ["--cgroup-manager=cgroupfs", "--events-backend=none", ...args], {
      env: { CONTAINERS_STORAGE_CONF: at("storage.conf") },
    });
  const remote = (name: string) => `${site().host}/${name}`;

  it(
    "pulls only the files that it hasn't, in several ranges of one request (zstd:chunked)",
    async () => {
      const context = at("context");
      await mkdir(join(context, "layer"), { recursive: true });
      await writeFile(join(context, "Containerfile"), "FROM scratch\nCOPY layer /layer\n");
      const write = (file: number) => writeFile(join(context, "layer", String(file)), randomBytes(SIZE));
      for (let file = 0; file < FILES; file += 1) await write(file);
      const push = async (tag: string) => {
        await podman("build", `--tag=${remote(`partial/app:${tag}`)}`, context);
        await podman("push", "--tls-verify=false", "--compression-format=zstd:chunked", remote(`partial/app:${tag}`));
        await site().held.verify("partial/app", tag);
        const manifest = parseJson((await site().held.manifest("partial/app", tag)).bytes);
        return pickText(manifest, "layers", 0, "digest");
      };
      await push("1");
      await write(1);
      await write(4);
      const layer = await push("2");
      await podman("rmi", "--all", "--force");
      await podman("pull", "--tls-verify=false", remote("partial/app:1"));
      const before = site().registry.output().length;
      await podman("pull", "--tls-verify=false", remote("partial/app:2"));

      const answers = () =>
        [
          ...site()
            .registry.output()
            .slice(before)
            .matchAll(/"GET \S+\/blobs\/(\S+) HTTP\/1\.1" (\d+) (\d+)/g),
        ]
          .filter(([, digest]) => digest === layer)
          .map(([, , status, size]) => ({ status, size: Number(size) }));
      const bytes = () => answers().reduce((sum, { size }) => sum + size, 0);
      await expect.poll(bytes).toBeGreaterThan(2 * SIZE);
      expect(bytes()).toBeLessThan(3 * SIZE);
      expect(new Set(answers().map(({ status }) => status))).toEqual(new Set(["206"]));
    },
    SLOW,
  );

  it(
    "keeps artifacts, and pulls them back",
    async () => {
      const files = ["weights.bin", "notes.txt"];
      for (const file of files) await writeFile(at(file), randomBytes(10_000));
      const name = remote("artifacts/model:1");
      await podman("artifact", "add", "--type=application/vnd.example.model", name, ...files.map(at));
      await podman("artifact", "push", "--tls-verify=false", name);
      const manifest = parseJson((await site().held.manifest("artifacts/model", "1")).bytes);
      expect(pick(manifest, "artifactType")).toBe("application/vnd.example.model");
      expect(pickList(manifest, "layers")).toHaveLength(2);
      await site().held.verify("artifacts/model", "1");
      await podman("artifact", "rm", name);
      await podman("artifact", "pull", "--tls-verify=false", name);
      await mkdir(at("back"));
      await podman("artifact", "extract", name, at("back"));
      for (const file of files) expect(await readFile(join(at("back"), file))).toEqual(await readFile(at(file)));
    },
    SLOW,
  );

  it(
    "signs in sigstore's form while it copies, and refuses what isn't signed",
    async () => {
      await writeFile(at("passphrase"), "of the key");
      const passphrase = `--passphrase-file=${at("passphrase")}`;
      await NEWER.run("skopeo", ["generate-sigstore-key", `--output-prefix=${at("key")}`, passphrase]);
      await mkdir(at("registries.d"));
      await writeFile(join(at("registries.d"), "default.yaml"), "default-docker: { use-sigstore-attachments: true }\n");
      const signed = [{ type: "sigstoreSigned", keyPath: at("key.pub"), signedIdentity: { type: "matchRepository" } }];
      await writeFile(
        at("policy.json"),
        JSON.stringify({ default: [{ type: "reject" }], transports: { docker: { [site().host]: signed } } }),
      );
      const skopeo = (policy: string, ...args: string[]) =>
        NEWER.attempt("skopeo", [policy, `--registries.d=${at("registries.d")}`, "copy", ...args]);

      await site().held.push("sigstore/plain", "1", makeImage("oci"));
      const [plain, target] = ["plain", "signed"].map((name) => `docker://${remote(`sigstore/${name}:1`)}`);
      if (plain === undefined || target === undefined) throw new Error("two names");
      const how = [`--sign-by-sigstore-private-key=${at("key.private")}`, `--sign-passphrase-file=${at("passphrase")}`];
      const both = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      expect(await skopeo("--insecure-policy", ...how, ...both, plain, target)).toMatchObject({ code: 0 });
      const digest = (await site().held.resolve("sigstore/signed", "1")) ?? "";
      expect(await site().held.tags("sigstore/signed")).toEqual(["1", `${digest.replace(":", "-")}.sig`]);

      const pull = (name: string, to: string) =>
        skopeo(`--policy=${at("policy.json")}`, "--src-tls-verify=false", name, `dir:${at(to)}`);
      expect(await pull(target, "pulled")).toMatchObject({ code: 0 });
      expect((await pull(plain, "refused")).stderr).toContain("A signature was required");
    },
    SLOW,
  );
});
