/** One entry of a tar archive; a folder has no content. */
export interface TarEntry {
  readonly name: string;
  readonly content?: Uint8Array;
  readonly mode?: number;
}

const BLOCK = 512;

/** A POSIX ustar archive. Without entries it is the empty layer that builders write: two blocks of zeros. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, content, mode }) => {
    const size = content?.byteLength ?? 0;
    const padding = Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
    return [header(name, size, content === undefined, mode), content ?? Buffer.alloc(0), padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, folder: boolean, mode = folder ? 0o755 : 0o644): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  writeOctal(block, mode, 100, 8);
  writeOctal(block, 0, 108, 8);
  writeOctal(block, 0, 116, 8);
  writeOctal(block, size, 124, 12);
  writeOctal(block, 0, 136, 12);
  block.write(folder ? "5" : "0", 156);
  block.write("ustar\0", 257);
  block.write("00", 263);
  // The checksum is taken with its own field filled with spaces.
  block.fill(" ", 148, 156);
  writeOctal(
    block,
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

function writeOctal(block: Buffer, value: number, at: number, length: number): void {
  block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, length);
}
