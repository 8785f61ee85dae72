import { mkdir, readFile, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describePeer } from "@longshore/testkit/peers";
import { attempt, run } from "@longshore/testkit/processes";
import { digestOf } from "@longshore/testkit/fixtures";
import { makeImage, makeMultiArch, writeLayout } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

describePeer("oras", () => {
  const site = useSite("oras");
  const oras = async (args: readonly string[], cwd = site().folder) => (await run("oras", args, { cwd })).stdout;
  const remote = (name: string) => `${site().host}/${name}`;
  const bulk = randomBytes(20 * 1024 * 1024);

  const pushFile = async (name: string, ...flags: string[]): Promise<string> => {
    await writeFile(join(site().folder, "bulk.bin"), bulk);
    const described = await oras([
      "push",
      "--plain-http",
      "--format=json",
      ...flags,
      remote(name),
      "bulk.bin:application/x-bulk",
    ]);
    return pickText(parseJson(described), "digest");
  };
  const attach = async (name: string, type: string, text: string): Promise<string> => {
    await writeFile(join(site().folder, "note.txt"), text);
    const described = await oras([
      "attach",
      "--plain-http",
      "--format=json",
      `--artifact-type=${type}`,
      remote(name),
      "note.txt:text/plain",
    ]);
    return pickText(parseJson(described), "digest");
  };
  const discover = async (name: string, ...flags: string[]): Promise<unknown> =>
    parseJson(await oras(["discover", "--plain-http", "--format=json", ...flags, remote(name)]));
  const digestsOf = (referrers: unknown) =>
    pickList(referrers, "referrers").map((referrer) => pickText(referrer, "digest"));

  it(
    "pushes a large file as an artifact and pulls it back unchanged",
    async () => {
      const digest = await pushFile("artifacts/file:1", "--artifact-type=application/vnd.example.file");
      expect(await site().held.resolve("artifacts/file", "1")).toBe(digest);
      await site().held.verify("artifacts/file", "1");
      const back = join(site().folder, "back");
      await mkdir(back);
      await oras(["pull", "--plain-http", `--output=${back}`, remote("artifacts/file:1")]);
      expect(digestOf(await readFile(join(back, "bulk.bin")))).toBe(digestOf(bulk));
    },
    SLOW,
  );

  it(
    "attaches artifacts to a manifest, discovers them and follows what is attached to them",
    async () => {
      await pushFile("artifacts/subject:1");
      const sbom = await attach("artifacts/subject:1", "application/vnd.example.sbom", "bill of materials");
      const signature = await attach("artifacts/subject:1", "application/vnd.example.signature", "signed");
      const nested = await attach(
        `artifacts/subject@${sbom}`,
        "application/vnd.example.signature",
        "the bill is signed",
      );

      const all = await discover("artifacts/subject:1", "--depth=1");
      expect(digestsOf(all).sort()).toEqual([sbom, signature].sort());
      expect(
        digestsOf(await discover("artifacts/subject:1", "--artifact-type=application/vnd.example.sbom", "--depth=1")),
      ).toEqual([sbom]);
      expect(digestsOf(await discover(`artifacts/subject@${sbom}`))).toEqual([nested]);
      await site().held.verify("artifacts/subject", signature);
    },
    SLOW,
  );

  it(
    "copies an image with everything attached to it",
    async () => {
      const multi = makeMultiArch("oci", ["amd64", "arm64"]);
      await site().held.push("artifacts/whole", "1", multi);
      const attached = await attach("artifacts/whole:1", "application/vnd.example.sbom", "of the index");
      const child = `artifacts/whole@${multi.images[0]?.manifest.digest ?? ""}`;
      const ofChild = await attach(child, "application/vnd.example.sbom", "of one platform");
      await oras([
        "cp",
        "--recursive",
        "--from-plain-http",
        "--to-plain-http",
        remote("artifacts/whole:1"),
        remote("elsewhere/whole:1"),
      ]);
      expect(await site().held.resolve("elsewhere/whole", "1")).toBe(multi.manifest.digest);
      await site().held.verify("elsewhere/whole", "1");
      expect(digestsOf(await discover("elsewhere/whole:1", "--depth=1"))).toEqual([attached]);
      expect(digestsOf(await discover(child.replace("artifacts", "elsewhere")))).toEqual([ofChild]);
    },
    SLOW,
  );

  it(
    "copies between the registry and an OCI layout in both directions",
    async () => {
      const image = makeImage("oci");
      const layout = join(site().folder, "layout");
      await writeLayout(layout, { one: image });
      await oras(["cp", "--from-oci-layout", "--to-plain-http", `${layout}:one`, remote("artifacts/layout:1")]);
      expect(await site().held.resolve("artifacts/layout", "1")).toBe(image.manifest.digest);
      await site().held.verify("artifacts/layout", "1");
      await oras(["cp", "--from-plain-http", "--to-oci-layout", remote("artifacts/layout:1"), `${layout}-back:one`]);
      const stored = await readFile(join(`${layout}-back`, "blobs", image.manifest.digest.replace(":", "/")));
      expect(digestOf(stored)).toBe(image.manifest.digest);
    },
    SLOW,
  );

  it(
    "tags, lists and resolves",
    async () => {
      const digest = await pushFile("artifacts/tagged:1");
      await oras(["tag", "--plain-http", remote("artifacts/tagged:1"), "2", "stable"]);
      expect(
        (await oras(["repo", "tags", "--plain-http", remote("artifacts/tagged")])).trim().split("\n").sort(),
      ).toEqual(["1", "2", "stable"]);
      expect((await oras(["resolve", "--plain-http", remote("artifacts/tagged:stable")])).trim()).toBe(digest);
      expect(await oras(["repo", "ls", "--plain-http", site().host])).toContain("artifacts/tagged");
    },
    SLOW,
  );

  it(
    "makes an index of manifests that are there already",
    async () => {
      const multi = makeMultiArch("oci", ["amd64", "arm64"]);
      for (const image of multi.images) {
        await site().held.push("artifacts/index", image.architecture, image);
      }
      await oras(["manifest", "index", "create", "--plain-http", remote("artifacts/index:all"), "amd64", "arm64"]);
      const index = parseJson((await site().held.manifest("artifacts/index", "all")).bytes);
      expect(pickList(index, "manifests").map((child) => pickText(child, "platform", "architecture"))).toEqual([
        "amd64",
        "arm64",
      ]);
      await site().held.verify("artifacts/index", "all");
    },
    SLOW,
  );

  it(
    "pushes, fetches and deletes a single blob",
    async () => {
      const file = join(site().folder, "blob.bin");
      const bytes = randomBytes(100_000);
      await writeFile(file, bytes);
      const target = remote(`artifacts/blob@${digestOf(bytes)}`);
      await oras(["blob", "push", "--plain-http", target, file]);
      await oras(["blob", "fetch", "--plain-http", `--output=${file}.back`, target]);
      expect(digestOf(await readFile(`${file}.back`))).toBe(digestOf(bytes));
      await oras(["blob", "delete", "--plain-http", "--force", target]);
      expect((await attempt("oras", ["blob", "fetch", "--plain-http", "--descriptor", target])).code).not.toBe(0);
    },
    SLOW,
  );

  it(
    "deletes a manifest, which then can't be pulled, and pushes it again",
    async () => {
      const digest = await pushFile("artifacts/deleted:1");
      await oras(["manifest", "delete", "--plain-http", "--force", remote(`artifacts/deleted@${digest}`)]);
      expect(await site().held.resolve("artifacts/deleted", "1")).toBeUndefined();
      const gone = await attempt("oras", ["pull", "--plain-http", remote("artifacts/deleted:1")], {
        cwd: site().folder,
      });
      expect(gone.code).not.toBe(0);
      expect(gone.stderr).toContain("not found");
      await pushFile("artifacts/deleted:1");
      await site().held.verify("artifacts/deleted", "1");
    },
    SLOW,
  );

  it(
    "deletes an attached artifact, which is then no longer discovered",
    async () => {
      await pushFile("artifacts/detached:1");
      const kept = await attach("artifacts/detached:1", "application/vnd.example.sbom", "kept");
      const dropped = await attach("artifacts/detached:1", "application/vnd.example.sbom", "dropped");
      await oras(["manifest", "delete", "--plain-http", "--force", remote(`artifacts/detached@${dropped}`)]);
      expect(digestsOf(await discover("artifacts/detached:1"))).toEqual([kept]);
    },
    SLOW,
  );
});
