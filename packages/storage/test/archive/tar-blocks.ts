/** A tar's header, as whoever wants to be read in a certain way may write it. */
interface RawHeader {
  readonly name?: string;
  readonly type?: string;
  readonly link?: string;
  /** Twelve bytes; as octal digits unless it is given. */
  readonly sizeField?: Buffer;
}

/** A header and its content, in blocks. */
export function rawEntry(content: string, { name = "x", type = "0", link = "", sizeField }: RawHeader = {}): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  sizeField?.copy(header, 124);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** A record of a PAX header. */
export function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

/** Turns of the event loop until `work` is done. */
export async function turnsDuring<T>(work: Promise<T>): Promise<{ readonly result: T; readonly turns: number }> {
  let turns = 0;
  const count = (): void => {
    turns += 1;
    pending = setImmediate(count);
  };
  let pending = setImmediate(count);
  try {
    return { result: await work, turns };
  } finally {
    clearImmediate(pending);
  }
}
