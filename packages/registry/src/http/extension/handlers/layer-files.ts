import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { SECOND } from "@longshore/base/duration";
import { GIB, KIB, MIB } from "@longshore/base/size";
import type { ListSource, WrittenListing } from "@longshore/inventory";
import {
  agrees,
  findTable,
  LayerUnreadable,
  listByTable,
  listLayer,
  parseDigest,
  parseManifest,
  type Digest,
  type LayerFile,
  type LayerLimits,
  type LayerListing,
  type LayerSource,
  type Repository,
} from "@longshore/storage";
import { ApiError } from "../../../errors/api-error.js";
import type { Exchange, SharedState } from "../../exchange.js";
import { isClosed } from "../../response/client-gone.js";
import type { Answer } from "../answers.js";
import type { UnusableTables } from "../layer-reads.js";
import { invalid } from "../operation.js";
import { answerText } from "./answer.js";

/** For one answer: what a browser still shows, and a fraction of a minute of work. */
const LIMITS: LayerLimits = {
  entries: 50_000,
  bytes: 8 * GIB,
  text: 16 * MIB,
  metadata: 16 * MIB,
  table: { stored: 16 * MIB, read: 64 * MIB },
};
const PATIENCE = 20 * SECOND;
/** A table is there to be quick. */
const TABLE_PATIENCE = 5 * SECOND;

/** What has fewer bytes is read again for each viewer. */
const SMALL = 64 * KIB;

/** Layers that a process reads at a time for this: each takes a thread that decompresses. */
const AT_ONCE = 2;

const RETRY_AFTER = "2";

/** Files that are written in JSON at a time, however long their paths are. */
const TURN = 250;

interface FilesQuery {
  readonly manifest: string | undefined;
  readonly table: boolean | undefined;
}

/** `GET /v2/<name>/_longshore/repository/files/<digest>`: looking at a layer isn't a pull. */
export async function listLayerFiles(exchange: Exchange, { manifest, table = true }: FilesQuery): Promise<void> {
  const { shared } = exchange;
  const digest = parseDigest(exchange.reference);
  const repository = shared.registry.repository(exchange.repository.name);
  if (shared.layerReads.underWay >= AT_ONCE) {
    const detail = "other layers are being read; try again in a moment";
    throw new ApiError("TOOMANYREQUESTS", { detail, headers: { "Retry-After": RETRY_AFTER } });
  }
  shared.layerReads.underWay += 1;
  const closed = closeOf(exchange.response);
  try {
    const annotations = manifest === undefined ? {} : await annotationsOf(repository, digest, manifest, exchange);
    // First of all: whether the repository has the layer.
    const { size } = await repository.blobs.stat(digest, exchange.call);
    const layer: LayerSource = {
      size,
      open: (range) => repository.blobs.open(digest, { ...exchange.call, ...range, size }),
    };
    const { unusable } = shared.layerReads;
    const reading: Reading = { digest, layer, unusable, kept: keptLists(shared, digest), signal: exchange.listSignal };
    const found = table ? await listByItsTable(reading, annotations) : undefined;
    const { files, table: by, ...rest } = found ?? (await listByItsTar(reading));
    const { name } = repository;
    const head: Omit<Answer<"LayerFiles">, "files"> = {
      name,
      digest,
      ...rest,
      ...(by === undefined ? {} : { table: by.format }),
    };
    // A list has megabytes: what was kept is sent as it is.
    const text = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"files":`), files, Buffer.from("}\n")];
    answerText(exchange, 200, Buffer.concat(text));
  } catch (error) {
    if (!(error instanceof LayerUnreadable)) throw error;
    throw new ApiError("UNSUPPORTED", { status: 422, detail: error.message });
  } finally {
    void closed.then(() => (shared.layerReads.underWay -= 1));
  }
}

/** Once `response` is sent, or nobody waits for it any more. */
function closeOf(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (isClosed(response)) resolve();
    else response.once("close", resolve);
  });
}

/** A layer that is looked at. */
interface Reading {
  readonly digest: Digest;
  readonly unusable: UnusableTables;
  readonly layer: LayerSource;
  readonly kept: Kept;
  readonly signal: AbortSignal;
}

/** A list that was kept, or the one that `make` makes. */
type Kept = <T extends WrittenListing | undefined>(
  source: ListSource,
  make: () => Promise<T>,
) => Promise<WrittenListing | T>;

/** The lists of a layer that the viewer may pull. */
function keptLists({ layerLists: lists }: SharedState, digest: Digest): Kept {
  return async (source, make) => {
    const kept = await lists?.get(digest, source);
    if (kept !== undefined) return kept;
    const made = await make();
    if (made !== undefined) await lists?.keep(digest, source, made);
    return made;
  };
}

/** Undefined if the layer has no table, or none that can be relied on as far as that is known. */
async function listByItsTable(
  { digest, layer, unusable, kept, signal }: Reading,
  annotations: Readonly<Record<string, string>>,
): Promise<WrittenListing | undefined> {
  if (unusable.has(digest)) return undefined;
  const table = await findTable(layer);
  if (table === undefined) return undefined;
  const listing = await kept("table", async () => {
    const time = AbortSignal.timeout(TABLE_PATIENCE);
    const made = await listByTable(layer, table, LIMITS, { time, signal });
    return made && written(made);
  });
  if (listing === undefined) unusable.add(digest);
  return listing?.table !== undefined && agrees(listing.table, annotations) ? listing : undefined;
}

async function listByItsTar({ layer, kept, signal }: Reading): Promise<WrittenListing> {
  const read = async (): Promise<WrittenListing> => {
    const stream = await layer.open({});
    try {
      return await written(await listLayer(stream, LIMITS, { time: AbortSignal.timeout(PATIENCE), signal }));
    } finally {
      await stream.close();
    }
  };
  return layer.size < SMALL ? read() : kept("tar", read);
}

/** What the manifest says of its layer. Throws MANIFEST_UNKNOWN, and PARAMETER_INVALID if it has no such layer. */
async function annotationsOf(
  { manifests }: Repository,
  layer: Digest,
  of: string,
  { call }: Exchange,
): Promise<Readonly<Record<string, string>>> {
  const { bytes, mediaType } = await manifests.get(parseDigest(of), call);
  const manifest = parseManifest(bytes, mediaType);
  const found = manifest.kind === "index" ? undefined : manifest.layers.find(({ digest }) => digest === layer);
  if (found === undefined) throw invalid("manifest must be the digest of one that has the layer");
  return found.annotations ?? {};
}

/** `listing` with its files in JSON. Others get their turn meanwhile. */
async function written({ files, ...rest }: LayerListing): Promise<WrittenListing> {
  const parts: Buffer[] = [];
  for (let index = 0; index < files.length; index += TURN) {
    const items = JSON.stringify(files.slice(index, index + TURN).map(shownFile)).slice(1, -1);
    parts.push(Buffer.from(index === 0 ? items : `,${items}`));
    await setImmediate();
  }
  return { ...rest, files: Buffer.concat([Buffer.from("["), ...parts, Buffer.from("]")]) };
}

function shownFile({ path, type, size, mode, link, removes }: LayerFile): Answer<"LayerFiles">["files"][number] {
  return {
    path,
    type,
    size,
    mode: mode.toString(8).padStart(4, "0"),
    ...(link === undefined ? {} : { link }),
    ...(removes === undefined ? {} : { removes }),
  };
}
