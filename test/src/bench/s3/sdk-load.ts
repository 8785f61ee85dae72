/**
 * What the storage server gives through the SDK alone, in a process of its own: pushes or pulls as its only argument says
 * (JSON, a {@link SdkJob}), and prints one line of JSON, a {@link LoadResult}, as the other loads do.
 */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createS3Client } from "@longshore/testkit/s3/server";
import { blobSource, type Blob } from "../load/blobs.js";
import { elapsed } from "../load/gets.js";
import type { LoadResult } from "../load/job.js";
import { parseSdkJob, type SdkJob } from "./job.js";

const PART = 10 * 1024 * 1024;

async function run(job: SdkJob): Promise<LoadResult> {
  const client = createS3Client(job.server);
  const blobs = job.kind === "push" ? Array.from({ length: job.count }, blobSource(job.size)) : [];
  const keys = job.kind === "push" ? blobs.map(({ digest }) => digest) : job.keys;
  const started = performance.now();
  const queue = keys.entries();
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      for (const [index, key] of queue) {
        const blob = blobs[index];
        if (blob === undefined) await pull(client, job.bucket, key);
        else await push(client, job.bucket, key, blob);
      }
    }),
  );
  const seconds = elapsed(started);
  client.destroy();
  return { operations: keys.length, seconds, digests: keys };
}

async function push(client: S3Client, Bucket: string, Key: string, blob: Blob): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const sent: Promise<{ PartNumber: number; ETag: string | undefined }>[] = [];
  for (const Body of partsOf(blob)) {
    const PartNumber = sent.length + 1;
    sent.push(
      client
        .send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
        .then(({ ETag }) => ({ PartNumber, ETag })),
    );
    // Two at a time: one is hashed while the other is under way.
    await sent[sent.length - 2];
  }
  const MultipartUpload = { Parts: await Promise.all(sent) };
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
}

function* partsOf(blob: Blob): Iterable<Buffer> {
  let blocks: Buffer[] = [];
  let size = 0;
  for (const block of blob.blocks()) {
    blocks.push(block);
    size += block.byteLength;
    if (size < PART) continue;
    yield Buffer.concat(blocks);
    blocks = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(blocks);
}

async function pull(client: S3Client, Bucket: string, Key: string): Promise<void> {
  const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket, Key }));
  let left = ContentLength ?? 0;
  const reader = Body?.transformToWebStream().getReader();
  for (;;) {
    const chunk: unknown = (await reader?.read())?.value;
    if (!(chunk instanceof Uint8Array)) break;
    left -= chunk.byteLength;
  }
  if (left !== 0) throw new Error(`${Key} was ${left} bytes short`);
}

console.log(JSON.stringify(await run(parseSdkJob(process.argv[2] ?? ""))));
