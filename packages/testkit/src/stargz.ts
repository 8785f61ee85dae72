import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

/** A layer as stargz-snapshotter documents eStargz, with the digest that annotations name. */
export interface StargzLayer {
  readonly bytes: Buffer;
  readonly tableDigest: string;
}

/** The annotation with the digest of a layer's table. */
export const STARGZ_DIGEST = "containerd.io/snapshot/stargz/toc.digest";

/** `tar`, without its end, followed by `table`, whatever that is, as the layer's table of contents. */
export function stargzLayer(
  tar: Buffer,
  table: string,
  { name = "stargz.index.json", offset }: { readonly name?: string; readonly offset?: number } = {},
): StargzLayer {
  const content = gzipSync(tar);
  const json = Buffer.from(table);
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000444\0", 100);
  header.write(`${json.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        0", 148);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (json.length % 512)) % 512);
  const end = gzipSync(Buffer.concat([header, json, padding, Buffer.alloc(1024)]));
  return {
    bytes: Buffer.concat([content, end, footer(offset ?? content.length)]),
    tableDigest: `sha256:${createHash("sha256").update(json).digest("hex")}`,
  };
}

/** An empty member of gzip whose extra field says where the table begins. */
function footer(offset: number): Buffer {
  const text = `${offset.toString(16).padStart(16, "0")}STARGZ`;
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0, 0x53, 0x47, 22, 0]),
    Buffer.from(text),
    Buffer.from([1, 0, 0, 0xff, 0xff]),
    Buffer.alloc(8),
  ]);
}
