import type { ByteRange, ContentStream } from "../contract/driver.js";

/** A layer, parts of which can be read. */
export interface LayerSource {
  /** Bytes. */
  readonly size: number;
  open(range: ByteRange): Promise<ContentStream>;
}

/** Where a layer has a table of its files, as its last bytes say. */
export interface LayerTable {
  readonly format: "estargz" | "zstd:chunked";
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Bytes of the table after decompression, where the footer says it. */
  readonly length?: number | undefined;
}

/** A table that was read. */
export interface LayerTableFound extends LayerTable {
  /** Of eStargz's JSON, and of zstd:chunked's compressed table: what annotations name. */
  readonly digest: string;
}

/** The longest footer: a frame of zstd:chunked, with its header. */
const LONGEST_FOOTER = 72;

/**
 * Where `layer` has a table of its files; undefined if it has none. Only the layer's own bytes are asked, so that everybody who has its
 * digest is told the same.
 */
export async function findTable(layer: LayerSource): Promise<LayerTable | undefined> {
  const { size } = layer;
  if (size <= LONGEST_FOOTER) return undefined;
  const tail = await readAll(layer, { start: size - LONGEST_FOOTER, end: size - 1 });
  if (tail.length !== LONGEST_FOOTER) return undefined;
  const table = stargzTable(tail, size) ?? chunkedTable(tail, size);
  return table !== undefined && table.start < table.end ? table : undefined;
}

async function readAll(layer: LayerSource, range: ByteRange): Promise<Buffer> {
  const stream = await layer.open(range);
  try {
    const parts: Buffer[] = [];
    for await (const chunk of stream) parts.push(Buffer.from(chunk));
    return Buffer.concat(parts);
  } finally {
    await stream.close();
  }
}

/** An empty gzip member whose extra field has the table's offset in hexadecimal digits; a subfield since eStargz, bare before. */
const STARGZ_FOOTERS = [
  { size: 51, extra: 26, subfield: Buffer.from([0x53, 0x47, 22, 0]) },
  { size: 47, extra: 22, subfield: Buffer.alloc(0) },
];
const STARGZ_OFFSET = /^([0-9a-f]{16})STARGZ$/;
const GZIP_WITH_EXTRA = Buffer.from([0x1f, 0x8b, 0x08, 0x04]);

function stargzTable(tail: Buffer, layerSize: number): LayerTable | undefined {
  for (const { size, extra, subfield } of STARGZ_FOOTERS) {
    const footer = tail.subarray(-size);
    if (!footer.subarray(0, 4).equals(GZIP_WITH_EXTRA) || footer.readUInt16LE(10) !== extra) continue;
    const text = 12 + subfield.length;
    if (!footer.subarray(12, text).equals(subfield)) continue;
    const [, digits] = STARGZ_OFFSET.exec(footer.toString("latin1", text, text + 22)) ?? [];
    if (digits !== undefined) return { format: "estargz", start: Number.parseInt(digits, 16), end: layerSize - size };
  }
  return undefined;
}

/** A skippable frame (RFC 8878 §3.1.2) with numbers of 64 bits: today's, and of Podman before 4.4. */
const CHUNKED_FOOTERS = [
  { content: 64, magic: Buffer.from("GNUlInUx") },
  { content: 40, magic: Buffer.from("GnUlInUx") },
];
const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18]);
/** The only type of table there is. */
const CRFS = 1n;

function chunkedTable(tail: Buffer, layerSize: number): LayerTable | undefined {
  for (const { content, magic } of CHUNKED_FOOTERS) {
    const footer = tail.subarray(-content - 8);
    if (!footer.subarray(0, 4).equals(SKIPPABLE) || footer.readUInt32LE(4) !== content) continue;
    const numbers = footer.subarray(8);
    if (!numbers.subarray(-magic.length).equals(magic) || numbers.readBigUInt64LE(24) !== CRFS) continue;
    const start = Number(numbers.readBigUInt64LE(0));
    const end = start + Number(numbers.readBigUInt64LE(8));
    if (end > layerSize - footer.length) return undefined;
    return { format: "zstd:chunked", start, end, length: Number(numbers.readBigUInt64LE(16)) };
  }
  return undefined;
}

/** Annotations of a layer's descriptor; those of Podman before 4.4 have another beginning. */
const STARGZ_DIGEST = "containerd.io/snapshot/stargz/toc.digest";
const CHUNKED = ["io.github.containers.zstd-chunked.", "io.containers.zstd-chunked."];

/** False if what annotations of the layer say of its table is something else. Where they say nothing, nothing contradicts it. */
export function agrees(table: LayerTableFound, annotations: Readonly<Record<string, string>>): boolean {
  const { format, start, end, length, digest } = table;
  const isSaid = (key: string, value: string): boolean =>
    !Object.hasOwn(annotations, key) || annotations[key] === value;
  if (format === "estargz") return isSaid(STARGZ_DIGEST, digest);
  const position = `${start}:${end - start}:${length ?? 0}:1`;
  return CHUNKED.every(
    (prefix) => isSaid(`${prefix}manifest-checksum`, digest) && isSaid(`${prefix}manifest-position`, position),
  );
}
