/**
 * Makes the bucket of a cluster where it isn't there yet, and waits for a storage that is still starting. Ends with 0 when the
 * bucket is there. Environment: S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_ACCESS_KEY, S3_SECRET_KEY.
 */
import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { setTimeout as pause } from "node:timers/promises";

const PATIENCE = 60_000;
const PAUSE = 500;

const client = new S3Client({
  endpoint: given("S3_ENDPOINT"),
  region: given("S3_REGION"),
  forcePathStyle: true,
  credentials: { accessKeyId: given("S3_ACCESS_KEY"), secretAccessKey: given("S3_SECRET_KEY") },
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
  maxAttempts: 1,
});

await makeBucket(given("S3_BUCKET"));

async function makeBucket(Bucket) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      await client.send(new HeadBucketCommand({ Bucket }));
      console.log(`the bucket ${Bucket} is there`);
      return;
    } catch (error) {
      const status = error.$metadata?.httpStatusCode;
      if (status === 404) await create(Bucket);
      else if (status === 401 || status === 403) fail(`the storage refuses the credentials (${status})`);
      else if (Date.now() > deadline) fail(`the storage can't be asked: ${error.message}`);
      else await pause(PAUSE);
    }
  }
}

/** Another one may have made it in between. */
async function create(Bucket) {
  try {
    await client.send(new CreateBucketCommand({ Bucket }));
  } catch (error) {
    if (!["BucketAlreadyOwnedByYou", "BucketAlreadyExists"].includes(error.name)) throw error;
  }
}

function given(name) {
  const value = process.env[name];
  return value === undefined || value === "" ? fail(`${name} isn't set`) : value;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
