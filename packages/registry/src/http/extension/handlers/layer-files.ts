import { MIB, GIB } from "@longshore/base/size";
import { SECOND } from "@longshore/base/duration";
import { LayerUnreadable, listLayer, parseDigest, type LayerFile, type LayerLimits } from "@longshore/storage";
import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import type { Answer } from "../answers.js";
import { answer } from "./answer.js";

/** For one answer: what a browser still shows, and a fraction of a minute of work. */
const LIMITS: LayerLimits = { entries: 50_000, bytes: 8 * GIB, text: 4 * MIB, metadata: 16 * MIB };
const PATIENCE = 20 * SECOND;

/** Layers that a process reads at a time for this: each takes a thread that decompresses. */
const AT_ONCE = 2;

const RETRY_AFTER = "2";

/** What a process is doing for lists of files. */
export interface LayerReads {
  underWay: number;
}

/** `GET /v2/<name>/_longshore/repository/files/<digest>`: looking at a layer isn't a pull. */
export async function listLayerFiles(exchange: Exchange): Promise<void> {
  const { shared } = exchange;
  const digest = parseDigest(exchange.reference);
  const { name } = exchange.repository;
  if (shared.layerReads.underWay >= AT_ONCE) {
    const detail = "other layers are being read; try again in a moment";
    throw new ApiError("TOOMANYREQUESTS", { detail, headers: { "Retry-After": RETRY_AFTER } });
  }
  shared.layerReads.underWay += 1;
  try {
    const stream = await shared.registry.repository(name).blobs.open(digest, exchange.call);
    try {
      const time = AbortSignal.timeout(PATIENCE);
      const { files, ...rest } = await listLayer(stream, LIMITS, { time, signal: exchange.listSignal });
      answer<"LayerFiles">(exchange, 200, { name, digest, ...rest, files: files.map(shownFile) });
    } finally {
      await stream.close();
    }
  } catch (error) {
    if (!(error instanceof LayerUnreadable)) throw error;
    throw new ApiError("UNSUPPORTED", { status: 422, detail: error.message });
  } finally {
    shared.layerReads.underWay -= 1;
  }
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
