import { GIB, KIB, MIB } from "@longshore/base/size";
import { looseInteger, textOr } from "@longshore/options/declare";
import { z } from "zod";

const OURS = { ours: true };

/** The options of `storage.filesystem`; the first two are Distribution's (wire contract §6.2). */
export const options = {
  rootdirectory: textOr(
    "/var/lib/registry",
    "The directory that holds `docker/registry/v2`. Created if it is missing.",
    { file: "write" },
  ),
  maxthreads: looseInteger(100, {}, "File operations at a time; fewer than 25 count as 25."),
  buffersize: looseInteger(
    MIB,
    { min: 64 * KIB, max: 16 * MIB },
    "Bytes read or written at once. A download has two such buffers while `readbuffers` has room.",
    OURS,
  ),
  readbuffers: looseInteger(
    32 * MIB,
    { min: MIB, max: 64 * GIB },
    "Bytes that the buffers of all downloads of a worker take together; with many downloads each has smaller ones.",
    OURS,
  ),
  writebuffers: looseInteger(
    32 * MIB,
    { min: MIB, max: 64 * GIB },
    "Bytes that all uploads of a worker gather before they are written; with many uploads each gathers fewer.",
    OURS,
  ),
  filecache: looseInteger(
    32 * MIB,
    { min: 0, max: 64 * GIB },
    "Bytes of small files that a worker remembers, each checked by a `stat` when it is used; 0: none.",
    OURS,
  ),
  namecache: looseInteger(
    200_000,
    { min: 0, max: 100_000_000 },
    "Names in listed directories that a worker remembers, checked likewise; 0: none.",
    OURS,
  ),
};

/** Options of the filesystem driver, as the configuration spells them. Sizes in bytes. */
export type FilesystemOptions = Readonly<z.output<z.ZodObject<typeof options>>>;

/** `given` and the defaults of everything else. */
export function withDefaults(given: Partial<FilesystemOptions>): FilesystemOptions {
  return { ...z.object(options).parse({}), ...given };
}
