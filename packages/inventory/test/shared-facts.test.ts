import { expect, it } from "vitest";
import type { ManifestFacts } from "../src/documents/facts.js";
import { shareFacts } from "../src/documents/shared-facts.js";
import { bytesOf, digestOf } from "./support.js";

const factsOf = (name: string, layerSize: number): ManifestFacts => ({
  digest: digestOf(bytesOf(name)),
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  artifactType: undefined,
  bytes: 10,
  blobs: [{ digest: digestOf(bytesOf("layer")), size: layerSize }],
  children: [],
  platforms: [{ os: "linux", architecture: "amd64" }],
  created: undefined,
  subject: undefined,
  isFinal: true,
});

it("facts of a repository share their parts and platforms, and stay what they are", () => {
  const share = shareFacts();
  const [one, other, odd] = [share(factsOf("one", 1)), share(factsOf("other", 1)), share(factsOf("odd", 2))];
  expect([one, other, odd]).toEqual([factsOf("one", 1), factsOf("other", 1), factsOf("odd", 2)]);
  expect(other.blobs[0]).toBe(one.blobs[0]);
  expect(other.platforms).toBe(one.platforms);
});
