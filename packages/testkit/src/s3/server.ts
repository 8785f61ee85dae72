import { randomBytes } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { startCeph, type CephStore } from "./ceph.js";
import { startStandInServer, type StandInOptions, type StandInServer } from "./stand-in/server.js";
import { startSwift } from "./swift.js";

/** An S3 server that a test started. */
export interface S3Server extends AsyncDisposable {
  readonly kind: S3Kind;
  /** `http://127.0.0.1:<port>`; path style. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Creates a bucket that no other test uses; returns its name. */
  newBucket(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Which server: our light stand-in, which is always here; Ceph's gateway (peer `ceph`), the reference; OpenStack Swift (peer
 * `swift`), a second opinion.
 */
export type S3Kind = "stand-in" | "ceph" | "swift";

/** A stand-in, with what tests inspect and disturb. */
export type StandIn = S3Server & StandInServer;

const REGION = "us-east-1";

/** Starts a server of the kind, on the loopback address, with nothing in it. */
export function startS3Server(kind: S3Kind, options: { readonly cephStore?: CephStore } = {}): Promise<S3Server> {
  switch (kind) {
    case "stand-in":
      return startStandIn();
    case "ceph":
      return startCeph(options.cephStore).then((running) => describeServer(kind, running));
    case "swift":
      return startSwift().then((running) => describeServer(kind, running));
  }
}

/** Starts the stand-in. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const server = await startStandInServer(options);
  const newBucket = (): Promise<string> => {
    const name = bucketName();
    server.buckets.create(name);
    return Promise.resolve(name);
  };
  // Not spread: `clockOffset` is an accessor.
  return Object.assign(server, {
    kind: "stand-in" as const,
    region: options.region ?? REGION,
    newBucket,
    [Symbol.asyncDispose]: () => server.stop(),
  });
}

/** What a server in a separate process reports about itself. */
interface Running {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

function describeServer(kind: S3Kind, running: Running): S3Server {
  const { endpoint, accessKey, secretKey } = running;
  const stop = (): Promise<void> => running.stop();
  const newBucket = async (): Promise<string> => {
    const name = bucketName();
    const client = createS3Client({ endpoint, region: REGION, accessKey, secretKey });
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    } finally {
      client.destroy();
    }
    return name;
  };
  return { kind, endpoint, region: REGION, accessKey, secretKey, newBucket, stop, [Symbol.asyncDispose]: stop };
}

/** The parameters of `storage.s3` for a bucket of a server. */
export function s3Parameters(
  { endpoint, region, accessKey, secretKey }: Pick<S3Server, "endpoint" | "region" | "accessKey" | "secretKey">,
  bucket: string,
): Readonly<Record<string, string | boolean>> {
  return {
    regionendpoint: endpoint,
    region,
    accesskey: accessKey,
    secretkey: secretKey,
    bucket,
    forcepathstyle: true,
  };
}

/** The SDK's client for a server, without retries: tests want to see each response. */
export function createS3Client(
  server: Pick<S3Server, "endpoint" | "region" | "accessKey" | "secretKey">,
  options: ConstructorParameters<typeof S3Client>[0] = {},
): S3Client {
  return new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...options,
  });
}

function bucketName(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}
