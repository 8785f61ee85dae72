import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { SecureContext } from "node:tls";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { useContentMd5 } from "./content-md5.js";
import type { S3Options } from "./options.js";

/**
 * How long an unused connection is kept (ms): less than the 20 s after which many services close theirs. It doesn't limit
 * connections in use.
 */
const KEEP_ALIVE = 15_000;

/**
 * The SDK's client for `options`, without retries of its own. It doesn't connect yet. `trusted`: the authorities that TLS
 * connections trust, by default Node's own.
 */
export function createClient(options: S3Options, trusted: SecureContext | undefined): S3Client {
  const agent = { keepAlive: true, maxSockets: options.maxsockets, timeout: KEEP_ALIVE, scheduling: "lifo" as const };
  const config: S3ClientConfig = {
    region: options.region,
    ...endpointOf(options),
    ...(options.credentials === undefined ? {} : { credentials: credentialsOf(options.credentials) }),
    ...(options.useragent === "" ? {} : { customUserAgent: options.useragent }),
    // Retries are ours (calls.ts): with a deadline, a circuit breaker, and streams that resume in the middle.
    maxAttempts: 1,
    requestChecksumCalculation: options.checksums === "when_supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    responseChecksumValidation: options.checksums === "when_supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    // Each request with `Expect` would open a separate connection.
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: options.connecttimeout,
      // Timeouts are ours as well: the handler's would abort the download of a slow client.
      requestTimeout: 0,
      socketTimeout: 0,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({
        ...agent,
        rejectUnauthorized: !options.skipverify,
        // Created once: loading the authorities for each connection would take longer than connecting.
        ...(trusted === undefined ? {} : { secureContext: trusted }),
      }),
      socketAcquisitionWarningTimeout: 2 ** 31 - 1,
    }),
  };
  const client = quietly(() => new S3Client(config));
  if (options.checksums === "when_required") useContentMd5(client);
  return client;
}

function endpointOf(options: S3Options): S3ClientConfig {
  if (options.endpoint !== undefined) {
    return { endpoint: options.endpoint.url, forcePathStyle: options.endpoint.pathStyle };
  }
  return {
    forcePathStyle: options.forcepathstyle ?? false,
    ...(options.secure ? {} : { endpoint: plainEndpoint(options) }),
    useDualstackEndpoint: options.usedualstack && options.secure,
    useAccelerateEndpoint: options.accelerate,
    useFipsEndpoint: options.usefipsendpoint,
    // As in Distribution, the endpoint comes from the configuration, and not from environment variables for other programs.
    ignoreConfiguredEndpointUrls: true,
  };
}

/** Amazon's endpoint without TLS. */
function plainEndpoint({ region, usedualstack }: S3Options): string {
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `http://s3.${usedualstack ? "dualstack." : ""}${region}.${domain}`;
}

function credentialsOf({ accessKey, secretKey, sessionToken }: NonNullable<S3Options["credentials"]>) {
  return {
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

const WARNING = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";

/** Suppresses the SDK's advice about Node's version, which isn't for operators. Restores the variable afterwards. */
function quietly<T>(create: () => T): T {
  const before = process.env[WARNING];
  process.env[WARNING] = "true";
  try {
    return create();
  } finally {
    if (before === undefined) Reflect.deleteProperty(process.env, WARNING);
    else process.env[WARNING] = before;
  }
}
