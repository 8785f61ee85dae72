import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { NEWER } from "@longshore/testkit/programs";
import { type Image, makeImage, makeMultiArch, type MultiArch } from "./images.js";
import { parseJson, pickList, pickText } from "./json.js";
import { SLOW, useSite } from "./site.js";

const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

describePeers("cosign", ["newer-clients"], () => {
  const site = useSite("cosign");

  beforeAll(async () => {
    await NEWER.run("cosign", ["generate-key-pair"], { cwd: site().folder, env });
  }, SLOW);

  const env = { COSIGN_PASSWORD: "of the key" };
  /** No service beside the registry: neither a transparency log nor an authority. */
  const alone = ["--use-signing-config=false", "--tlog-upload=false", "--yes"];
  const http = "--allow-http-registry";
  const call = (program: typeof NEWER.run, command: string, ...args: string[]) =>
    program("cosign", [command, http, ...args], { cwd: site().folder, env });
  const cosign = (command: string, ...args: string[]) => call(NEWER.run, command, ...args);
  const sign = (name: string, ...flags: string[]) => cosign("sign", "--key=cosign.key", ...alone, ...flags, name);
  const verify = (program: typeof NEWER.run, name: string) =>
    call(program, "verify", "--key=cosign.pub", "--insecure-ignore-tlog", name);

  /** Pushes an image; its reference by digest. */
  const push = async (repository: string, image: Image | MultiArch = makeImage("oci")) => {
    await site().held.push(repository, "1", image);
    return `${site().host}/${repository}@${image.manifest.digest}`;
  };
  const referrers = async (name: string) => {
    const [repository = "", digest = ""] = name.slice(site().host.length + 1).split("@");
    const response = await fetch(`http://${site().host}/v2/${repository}/referrers/${digest}`);
    return pickList(await response.json(), "manifests").map((referrer) => pickText(referrer, "artifactType"));
  };

  it(
    "signs into the list of referrers, without a tag, and verifies",
    async () => {
      const name = await push("signed/referrer");
      expect((await verify(NEWER.attempt, name)).code).not.toBe(0);
      await sign(name);
      expect(await referrers(name)).toEqual([BUNDLE]);
      expect(await site().held.tags("signed/referrer")).toEqual(["1"]);
      expect((await verify(NEWER.run, name)).stderr).toContain("The signatures were verified");
      expect((await verify(NEWER.attempt, await push("signed/referrer"))).code).not.toBe(0);
    },
    SLOW,
  );

  it(
    "signs under a tag, as its older releases do, verifies, and cleans up",
    async () => {
      const name = await push("signed/tag");
      await sign(name, "--new-bundle-format=false");
      const tag = `${name.slice(name.indexOf("@") + 1).replace(":", "-")}.sig`;
      expect(await site().held.tags("signed/tag")).toEqual(["1", tag]);
      await site().held.verify("signed/tag", tag);
      await verify(NEWER.run, name);
      await cosign("clean", "--force", name);
      expect(await site().held.tags("signed/tag")).toEqual(["1"]);
      expect((await verify(NEWER.attempt, name)).code).not.toBe(0);
    },
    SLOW,
  );

  it(
    "signs an index and everything in it",
    async () => {
      const multi = makeMultiArch("oci", ["amd64", "arm64"]);
      const name = await push("signed/multi", multi);
      await sign(name, "--recursive");
      const repository = name.slice(0, name.indexOf("@"));
      for (const { manifest } of [multi, ...multi.images]) await verify(NEWER.run, `${repository}@${manifest.digest}`);
    },
    SLOW,
  );

  it(
    "attests, and shows the tree of what is attached",
    async () => {
      const name = await push("signed/attested");
      await writeFile(join(site().folder, "predicate.json"), JSON.stringify({ name: "a bill of materials" }));
      const type = "--type=https://example.org/bill";
      await cosign("attest", "--key=cosign.key", ...alone, "--predicate=predicate.json", type, name);
      await sign(name);
      expect(await referrers(name)).toEqual([BUNDLE, BUNDLE]);
      await cosign("verify-attestation", "--key=cosign.pub", "--insecure-ignore-tlog", type, name);
      const { stdout } = await cosign("tree", name);
      expect(stdout).toContain("https://example.org/bill");
      expect(stdout).toContain("https://sigstore.dev/cosign/sign/v1");
    },
    SLOW,
  );

  it(
    "saves an image with its signature and loads both elsewhere",
    async () => {
      const name = await push("signed/saved");
      await sign(name, "--new-bundle-format=false");
      await cosign("save", "--dir=saved", name);
      const elsewhere = `${site().host}/elsewhere/loaded`;
      await cosign("load", "--dir=saved", `${elsewhere}:1`);
      const digest = (await site().held.resolve("elsewhere/loaded", "1")) ?? "";
      await site().held.verify("elsewhere/loaded", "1");
      await verify(NEWER.run, `${elsewhere}@${digest}`);
      expect(parseJson((await site().held.manifest("elsewhere/loaded", digest)).bytes)).toBeDefined();
    },
    SLOW,
  );
});
