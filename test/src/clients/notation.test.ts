import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { NEWER } from "@longshore/testkit/programs";
import { type Image, makeImage, makeMultiArch, type MultiArch } from "./images.js";
import { SLOW, useSite } from "./site.js";

const SIGNER = "signer.example";
const POLICY = {
  version: "1.0",
  trustPolicies: [
    {
      name: "signed by the test",
      registryScopes: ["*"],
      signatureVerification: { level: "strict" },
      trustStores: [`ca:${SIGNER}`],
      trustedIdentities: ["*"],
    },
  ],
};

describePeers("notation", ["newer-clients"], () => {
  const site = useSite("notation");

  beforeAll(async () => {
    const policy = join(site().folder, "policy.json");
    await writeFile(policy, JSON.stringify(POLICY));
    await notation("cert", "generate-test", "--default", SIGNER);
    await notation("policy", "import", policy);
  }, SLOW);

  const options = () => ({ env: { XDG_CONFIG_HOME: site().folder } });
  const notation = (...args: string[]) => NEWER.run("notation", args, options());
  const over = ["--insecure-registry"];
  const verify = (name: string) => NEWER.attempt("notation", ["verify", ...over, name], options());
  const push = async (repository: string, image: Image | MultiArch) => {
    await site().held.push(repository, "1", image);
    return `${site().host}/${repository}@${image.manifest.digest}`;
  };

  it.each([
    ["an image", makeImage("oci")],
    ["an image in Docker's schema 2", makeImage("docker")],
    ["an index", makeMultiArch("oci", ["amd64", "arm64"])],
  ])(
    "signs %s, lists the signatures and verifies",
    async (what, image) => {
      const name = await push(`signed/${what.replaceAll(/\W/g, "-").toLowerCase()}`, image);
      expect((await verify(name)).stderr).toContain("no signature is associated");
      for (const format of ["jws", "cose"]) await notation("sign", ...over, `--signature-format=${format}`, name);
      const { stdout } = await notation("list", ...over, name);
      expect(stdout.match(/sha256:[0-9a-f]{64}$/gm)).toHaveLength(3);
      expect((await verify(name)).code).toBe(0);
      expect((await notation("inspect", ...over, name)).stdout).toContain(SIGNER);
    },
    SLOW,
  );

  it(
    "signs in the tag scheme of registries without a list of referrers, and verifies what is there",
    async () => {
      const image = makeImage("oci");
      const name = await push("signed/tagged", image);
      await notation("sign", ...over, "--force-referrers-tag", name);
      expect(await site().held.tags("signed/tagged")).toContain(image.manifest.digest.replace(":", "-"));
      expect((await verify(name)).code).toBe(0);
    },
    SLOW,
  );
});
