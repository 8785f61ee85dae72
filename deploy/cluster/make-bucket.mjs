/**
 * Makes the bucket of a cluster where it isn't there yet, and waits for a storage that is still starting. Ends with 0 when the
 * bucket is there. Environment: S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_ACCESS_KEY, S3_SECRET_KEY. Needs nothing but Node.
 */
import { createHash, createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

const PATIENCE = 60_000;
const PAUSE = 500;
const REQUEST_PATIENCE = 10_000;

await makeBucket(new URL(given("S3_BUCKET"), `${given("S3_ENDPOINT").replace(/\/*$/, "")}/`));

async function makeBucket(url) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const status = await send("HEAD", url).catch((error) => error.cause?.message ?? error.message);
    if (status === 200) break;
    // Another one may make it in between: only that it is there counts.
    if (status === 404) await send("PUT", url).catch(() => undefined);
    if (status === 401 || status === 403) fail(`the storage refuses the credentials (${status})`);
    if (Date.now() > deadline) fail(`the storage can't be asked: ${status}`);
    if (status !== 404) await pause(PAUSE);
  }
  console.log(`the bucket ${given("S3_BUCKET")} is there`);
}

/** The status of the answer to a request without a body. */
async function send(method, url) {
  const { status } = await fetch(url, {
    method,
    headers: sign(method, url),
    signal: AbortSignal.timeout(REQUEST_PATIENCE),
  });
  return status;
}

/** The headers of a request without a body and a query, signed as AWS' signature version 4 wants it. */
function sign(method, { host, pathname }) {
  const region = given("S3_REGION");
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const body = sha256("");
  const signed = "host;x-amz-content-sha256;x-amz-date";
  const request = `${method}\n${pathname}\n\nhost:${host}\nx-amz-content-sha256:${body}\nx-amz-date:${time}\n\n${signed}\n${body}`;
  const key = scope.split("/").reduce(hmac, `AWS4${given("S3_SECRET_KEY")}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`).toString("hex");
  return {
    "x-amz-content-sha256": body,
    "x-amz-date": time,
    authorization: `AWS4-HMAC-SHA256 Credential=${given("S3_ACCESS_KEY")}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  };
}

function given(name) {
  const value = process.env[name];
  return value === undefined || value === "" ? fail(`${name} isn't set`) : value;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
