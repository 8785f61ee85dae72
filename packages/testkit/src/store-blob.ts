import { inOne } from "./streams.js";

/** The part of a repository that stores blobs. Its types come from the caller: built packages and sources brand digests apart. */
interface UploadTarget<Id, Digest> {
  readonly uploads: {
    start(): Promise<{ readonly uuid: Id }>;
    commit(uuid: Id, digest: Digest, rest: { readonly bytes: AsyncIterable<Uint8Array> }): Promise<unknown>;
  };
}

/** Stores a blob in a repository without HTTP, in one upload session. */
export async function storeBlob<Id, Digest>(
  { uploads }: UploadTarget<Id, Digest>,
  digest: Digest,
  bytes: Uint8Array,
): Promise<void> {
  const { uuid } = await uploads.start();
  await uploads.commit(uuid, digest, { bytes: inOne(bytes) });
}
