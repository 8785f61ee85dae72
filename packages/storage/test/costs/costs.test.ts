import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createDescriptorCache } from "../../src/cache/descriptors.js";
import { NO_CACHES, NO_DESCRIPTORS } from "../../src/cache/none.js";
import type { Registry, Repository } from "../../src/contract/registry.js";
import { openRegistry } from "../../src/store/open-registry.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";
import type { ObjectRequest } from "../drivers/in-memory-object-writer.js";
import { CONFIG, descriptorOf, encode, LAYER, repository, tag } from "../store/support.js";
import { bodyOf, digestBy } from "../store/uploads/support.js";

/*
 * The requests that each operation makes to object storage, counted by the fake. docs/storage-costs.md has the same table;
 * after an intended change, WRITE_COSTS=1 rewrites it.
 */

const DOCUMENT = fileURLToPath(new URL("../../../../docs/storage-costs.md", import.meta.url));
const COLUMNS = ["HEAD", "GET", "PUT", "COPY", "parts", "LIST", "DELETE"] as const;
type Column = (typeof COLUMNS)[number];

const COLUMN_OF: Record<ObjectRequest, Column> = {
  HeadObject: "HEAD",
  GetObject: "GET",
  PutObject: "PUT",
  CopyObject: "COPY",
  ListObjects: "LIST",
  ListMultipartUploads: "LIST",
  DeleteObjects: "DELETE",
  CreateMultipartUpload: "parts",
  UploadPart: "parts",
  UploadPartCopy: "parts",
  CompleteMultipartUpload: "parts",
  AbortMultipartUpload: "parts",
};

const MIB = 1024 * 1024;
const NAME = repository("team/app");
const OTHER = repository("team/other");
const LATEST = tag("latest");
const LAYERS = 10;

/** A registry process over the shared storage. */
interface Shop {
  readonly storage: ReturnType<typeof createInMemoryObjectStorage>;
  /** A registry process that has just started. */
  readonly cold: () => Registry;
}

const contents = ["config", ...Array.from({ length: LAYERS }, (_, index) => `layer ${index}`)];
const image = encode({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: descriptorOf("config", CONFIG),
  layers: contents.slice(1).map((content) => descriptorOf(content, LAYER)),
});

async function pushWhole({ uploads }: Repository, content: Uint8Array): Promise<void> {
  const { uuid } = await uploads.start();
  await uploads.commit(uuid, digestBy(content), { ...bodyOf(content), offset: 0, length: content.length });
}

const pushLayers = async (target: Repository): Promise<void> => {
  for (const content of contents) await pushWhole(target, encode(content));
};
const pushManifest = (target: Repository) =>
  target.manifests.put({ bytes: image, mediaType: OCI_MANIFEST, tags: [LATEST] });

function openShop(): Shop {
  const storage = createInMemoryObjectStorage();
  return {
    storage,
    cold: () =>
      openRegistry(storage.driver, {
        caches: { ...NO_CACHES, descriptors: createDescriptorCache(10_000, NO_DESCRIPTORS) },
      }),
  };
}

/** An image, and a process that has already served it. */
async function shopWithImage(): Promise<Shop & { readonly warm: Registry }> {
  const shop = openShop();
  const warm = shop.cold();
  await pushLayers(warm.repository(NAME));
  await pushManifest(warm.repository(NAME));
  await warm.repository(NAME).manifests.get(digestBy(image));
  for (const content of contents) await warm.repository(NAME).blobs.stat(digestBy(encode(content)));
  return { ...shop, warm };
}

const layer = encode("layer 0");
const fresh = encode("a layer that nobody has");
const large = new Uint8Array(25 * MIB);

const getByTag = async (registry: Registry): Promise<void> => {
  const { tags, manifests } = registry.repository(NAME);
  await manifests.get(await tags.resolve(LATEST), { tagged: true });
};
const read = async (registry: Registry): Promise<void> => {
  for await (const chunk of await registry.repository(NAME).blobs.open(digestBy(layer))) expect(chunk).toBeDefined();
};
const patched = async (target: Repository, content: Uint8Array, parts: number): Promise<void> => {
  const { uuid } = await target.uploads.start();
  const size = Math.ceil(content.length / parts);
  for (let at = 0; at < content.length; at += size) {
    await target.uploads.append(uuid, { ...bodyOf(content.subarray(at, at + size)), offset: at });
  }
  await target.uploads.commit(uuid, digestBy(content), undefined);
};

type Act = (shop: Shop & { readonly warm: Registry }) => Promise<unknown>;

/** Each operation runs on a fresh image of its own. */
const OPERATIONS: readonly (readonly [string, Act])[] = [
  ["blob pushed: POST, PUT with all bytes", ({ warm }) => pushWhole(warm.repository(NAME), fresh)],
  ["blob pushed: POST, PATCH with all bytes, PUT", ({ warm }) => patched(warm.repository(NAME), fresh, 1)],
  ["blob of 25 MiB pushed: POST, PUT with all bytes", ({ warm }) => pushWhole(warm.repository(NAME), large)],
  ["blob of 25 MiB pushed: POST, PATCH with all bytes, PUT", ({ warm }) => patched(warm.repository(NAME), large, 1)],
  ["blob of 25 MiB pushed: POST, 5 PATCHes, PUT", ({ warm }) => patched(warm.repository(NAME), large, 5)],
  ["existing blob pushed: POST, PUT with all bytes", ({ warm }) => pushWhole(warm.repository(NAME), layer)],
  ["existing blob pushed: POST, PATCH, PUT", ({ warm }) => patched(warm.repository(NAME), layer, 1)],
  [
    "session status requested",
    async ({ cold, warm }) => {
      const { uuid } = await warm.repository(NAME).uploads.start();
      await cold().repository(NAME).uploads.status(uuid);
    },
  ],
  [
    "session cancelled",
    async ({ cold, warm }) => {
      const { uuid } = await warm.repository(NAME).uploads.start();
      await cold().repository(NAME).uploads.cancel(uuid);
    },
  ],
  ["blob mounted", ({ warm }) => warm.repository(OTHER).blobs.mount(digestBy(layer), NAME)],
  ["HEAD blob, first", ({ cold }) => cold().repository(NAME).blobs.stat(digestBy(layer))],
  ["HEAD blob, again", ({ warm }) => warm.repository(NAME).blobs.stat(digestBy(layer))],
  [
    "HEAD blob that doesn't exist",
    ({ warm }) =>
      warm
        .repository(NAME)
        .blobs.stat(digestBy(fresh))
        .catch(() => undefined),
  ],
  ["GET blob", ({ warm }) => read(warm)],
  [
    "manifest of 11 blobs pushed, with its tag",
    async ({ warm, storage }) => {
      await pushLayers(warm.repository(OTHER));
      storage.reset();
      await pushManifest(warm.repository(OTHER));
    },
  ],
  [
    "image of 11 blobs pushed: HEAD, POST and PUT for each, manifest, tag",
    async ({ cold }) => {
      const target = cold().repository(repository("team/third"));
      for (const content of contents) {
        const own = encode(`third ${content}`);
        await target.blobs.stat(digestBy(own)).catch(() => undefined);
        await pushWhole(target, own);
      }
      const manifest = encode({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: descriptorOf("third config", CONFIG),
        layers: contents.slice(1).map((content) => descriptorOf(`third ${content}`, LAYER)),
      });
      await target.manifests.put({ bytes: manifest, mediaType: OCI_MANIFEST, tags: [LATEST] });
    },
  ],
  ["the same manifest pushed again", ({ warm }) => pushManifest(warm.repository(NAME))],
  ["GET manifest by tag, first", ({ cold }) => getByTag(cold())],
  ["GET manifest by tag, again", ({ warm }) => getByTag(warm)],
  ["GET manifest by digest, first", ({ cold }) => cold().repository(NAME).manifests.get(digestBy(image))],
  ["GET manifest by digest, again", ({ warm }) => warm.repository(NAME).manifests.get(digestBy(image))],
  ["page of tags, first", ({ cold }) => cold().repository(NAME).tags.list({ limit: 100 })],
  [
    "page of tags, again",
    async ({ warm, storage }) => {
      await warm.repository(NAME).tags.list({ limit: 100 });
      storage.reset();
      await warm.repository(NAME).tags.list({ limit: 100 });
    },
  ],
  ["page of the catalog, one repository", ({ warm }) => warm.repositories({ limit: 100 })],
  ["blob deleted", ({ warm }) => warm.repository(NAME).blobs.delete(digestBy(layer))],
  ["tag deleted", ({ warm }) => warm.repository(NAME).tags.delete(LATEST)],
  ["manifest deleted, with its tag", ({ warm }) => warm.repository(NAME).manifests.delete(digestBy(image))],
];

/** The requests in each column. */
async function measure(act: Act): Promise<readonly number[]> {
  const shop = await shopWithImage();
  shop.storage.reset();
  await act(shop);
  const columnOf = new Map<string, Column>(Object.entries(COLUMN_OF));
  const columns = shop.storage.requests.map((line) => columnOf.get(line.slice(0, line.indexOf(" "))));
  await shop.storage.driver.close();
  return COLUMNS.map((column) => columns.filter((one) => one === column).length);
}

/** The rows of the document's table: an operation, and a number for each column. */
function rowsOf(document: string): readonly (readonly string[])[] {
  return document
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const rowOf = (operation: string, counts: readonly number[]): string[] => [
  operation,
  ...counts.map((count) => (count === 0 ? "" : String(count))),
];
const lineOf = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

describe("what operations cost over object storage", () => {
  it("is what docs/storage-costs.md says", async () => {
    const rows: string[][] = [];
    for (const [operation, act] of OPERATIONS) rows.push(rowOf(operation, await measure(act)));
    const table = [["operation", ...COLUMNS], ["operation", ...COLUMNS].map(() => "---"), ...rows];
    const document = await readFile(DOCUMENT, "utf8");
    if (process.env["WRITE_COSTS"] === "1") {
      const [before = "", after = ""] = document.split(/\n\|[^]*\|\n/);
      await writeFile(DOCUMENT, `${before}\n${table.map(lineOf).join("\n")}\n${after}`);
      return;
    }
    const written = rowsOf(document).map((row) => row.map((cell) => (/^:?-+:?$/.test(cell) ? "---" : cell)));
    expect(written).toEqual(table);
  });

  it("includes no listing for pushes and pulls", async () => {
    const paths = OPERATIONS.filter(([operation]) => !/deleted|page of/.test(operation));
    const lists = COLUMNS.indexOf("LIST");
    for (const [operation, act] of paths) expect((await measure(act))[lists], operation).toBe(0);
    expect(paths.length).toBeGreaterThan(15);
  });
});
