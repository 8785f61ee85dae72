import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type CompletedPart,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createS3Client, type S3Server } from "@longshore/testkit/s3/server";

/** What a server does in the cases in which servers differ ({@link outcome}), so that each is held to exactly that. */
export interface Ways {
  /** The parts of an upload that nobody knows (any more). */
  readonly partsOfUnknown: string;
  readonly completionOfUnknown: string;
  readonly partsOutOfOrder: string;
  readonly partsLeftOut: string;
  /** A part's number beyond 10,000. */
  readonly partTooMany: string;
  /** A completed upload with `If-None-Match: *` where an object is. */
  readonly completionOverObject: string;
  /** A copy whose source doesn't match. */
  readonly copyOfOther: string;
  /** A write with an `If-Match` that holds. */
  readonly matchingWrite: string;
  readonly wrongCrc32: string;
  /** Common prefixes of open uploads when they are listed with a delimiter. */
  readonly rolledUploads: readonly string[];
}

/** What the parity tests share: one server, one bucket, and the SDK's calls in short. */
export interface ParitySite {
  readonly ways: Ways;
  readonly server: () => S3Server;
  readonly bucket: () => string;
  readonly client: () => S3Client;
  readonly put: (
    key: string,
    body: string | Buffer,
    more?: Partial<PutObjectCommandInput>,
  ) => Promise<PutObjectCommandOutput>;
  readonly get: (key: string, more?: Partial<GetObjectCommandInput>) => Promise<GetObjectCommandOutput>;
  readonly read: (key: string, more?: Partial<GetObjectCommandInput>) => Promise<Buffer>;
  readonly head: (key: string) => Promise<HeadObjectCommandOutput>;
  readonly begin: (key: string) => Promise<string>;
  readonly part: (key: string, upload: string, number: number, body: Buffer) => Promise<CompletedPart>;
  readonly complete: (
    key: string,
    upload: string,
    parts: readonly CompletedPart[],
    more?: Partial<CompleteMultipartUploadCommandInput>,
  ) => Promise<string | undefined>;
  readonly abort: (key: string, upload: string) => Promise<void>;
}

/** Starts the server before the suite and stops it after. */
export function useParitySite(start: () => Promise<S3Server>, ways: Ways): ParitySite {
  let opened: { server: S3Server; client: S3Client; bucket: string } | undefined;
  const open = (): NonNullable<typeof opened> => {
    if (opened === undefined) throw new Error("the server runs only while tests do");
    return opened;
  };
  beforeAll(async () => {
    const server = await start();
    opened = { server, client: createS3Client(server), bucket: await server.newBucket() };
  }, 120_000);
  afterAll(async () => {
    opened?.client.destroy();
    await opened?.server.stop();
  });
  const at = (Key: string): { Bucket: string; Key: string } => ({ Bucket: open().bucket, Key });
  const get: ParitySite["get"] = (key, more) => open().client.send(new GetObjectCommand({ ...at(key), ...more }));
  return {
    ways,
    server: () => open().server,
    bucket: () => open().bucket,
    client: () => open().client,
    put: (key, Body, more) =>
      open().client.send(new PutObjectCommand({ ...at(key), Body, ContentLength: Buffer.byteLength(Body), ...more })),
    get,
    async read(key, more) {
      const { Body } = await get(key, more);
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    head: (key) => open().client.send(new HeadObjectCommand(at(key))),
    async begin(key) {
      const { UploadId } = await open().client.send(new CreateMultipartUploadCommand(at(key)));
      if (UploadId === undefined) throw new Error("no UploadId");
      return UploadId;
    },
    async part(key, UploadId, PartNumber, Body) {
      const { ETag } = await open().client.send(new UploadPartCommand({ ...at(key), UploadId, PartNumber, Body }));
      return { PartNumber, ETag };
    },
    async complete(key, UploadId, parts, more) {
      const MultipartUpload = { Parts: [...parts] };
      const { ETag } = await open().client.send(
        new CompleteMultipartUploadCommand({ ...at(key), UploadId, MultipartUpload, ...more }),
      );
      return ETag;
    },
    async abort(key, UploadId) {
      await open().client.send(new AbortMultipartUploadCommand({ ...at(key), UploadId }));
    },
  };
}

/** `done`, or `<status> <code>` of a request that was refused. HEAD has no code. */
export async function outcome(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return "done";
  } catch (error) {
    if (error instanceof S3ServiceException) return `${error.$metadata.httpStatusCode ?? 0} ${error.name}`;
    throw error;
  }
}

export function md5(...pieces: readonly Buffer[]): string {
  const hash = createHash("md5");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

export const MIB = 1024 * 1024;

export function random(size: number): Buffer {
  return randomBytes(size);
}

/** The quotes around an ETag are sometimes there and sometimes not. */
export function bare(etag: string | undefined): string {
  return (etag ?? "").replaceAll('"', "");
}
