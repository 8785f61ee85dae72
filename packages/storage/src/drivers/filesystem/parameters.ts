import { z } from "zod";
import { integer, integerBetween, parseParameters, scalar } from "../parameters.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const LEAST_THREADS = 25;

/** Names as in config.yml below `storage.filesystem`. The first two are the original's (contract §6.2). */
const schema = z.looseObject({
  /** The directory that everything is in; made on demand. */
  rootdirectory: scalar.default("/var/lib/registry"),
  /** How many calls may use the disk at once; fewer than 25 means 25. Open streams don't count. */
  maxthreads: integer.transform((value) => Math.max(value, LEAST_THREADS)).default(100),
  /** Bytes read or written at once; every download uses two such buffers, while there is room in `readbuffers`. */
  buffersize: integerBetween(64 * KIB, 16 * MIB).default(MIB),
  /** Bytes that all downloads' buffers should take together; with many downloads each gets smaller ones. */
  readbuffers: integerBetween(MIB, 64 * GIB).default(32 * MIB),
  /** Bytes that all uploads may gather together before they are written; with many uploads each gathers fewer. */
  writebuffers: integerBetween(MIB, 64 * GIB).default(32 * MIB),
  /** Bytes of small files (links, small blobs) kept in memory, re-validated by a `stat` on each use; 0 for none. */
  filecache: integerBetween(0, 64 * GIB).default(32 * MIB),
  /** How many names of listed directories are kept in memory, re-validated likewise; 0 for none. */
  namecache: integerBetween(0, 100_000_000).default(200_000),
});

/** What the filesystem driver is made with. Sizes in bytes. */
export interface FilesystemOptions {
  readonly rootDirectory: string;
  readonly maxThreads?: number;
  readonly bufferSize?: number;
  readonly readBuffers?: number;
  readonly writeBuffers?: number;
  readonly fileCache?: number;
  readonly nameCache?: number;
}

/** The options that a configuration's parameters spell. Throws DriverParameterError. */
export function parseFilesystemParameters(parameters: unknown): Required<FilesystemOptions> {
  const parsed = parseParameters("filesystem", schema, parameters);
  return {
    rootDirectory: parsed.rootdirectory,
    maxThreads: parsed.maxthreads,
    bufferSize: parsed.buffersize,
    readBuffers: parsed.readbuffers,
    writeBuffers: parsed.writebuffers,
    fileCache: parsed.filecache,
    nameCache: parsed.namecache,
  };
}

/** Every option, with the documented default where `options` has none. */
export function withDefaults(options: FilesystemOptions): Required<FilesystemOptions> {
  return { ...parseFilesystemParameters({ rootdirectory: options.rootDirectory }), ...options };
}
