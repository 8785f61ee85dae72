import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { SecureContext } from "node:tls";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { useContentMd5 } from "./content-md5.js";
import type { S3Options } from "./parameters.js";

/**
 * How long an unused connection is kept, in milliseconds: less than the 20 s after which many services close theirs. Of a
 * connection in use the agent's time says nothing.
 */
const KEEP_ALIVE = 15_000;

/**
 * The SDK's client for `options`, without retries of its own. Connects to nobody yet. `trusted`: whom TLS connections believe,
 * unless it is Node's own authorities.
 */
export function createClient(options: S3Options, trusted: SecureContext | undefined): S3Client {
  const agent = { keepAlive: true, maxSockets: options.maxSockets, timeout: KEEP_ALIVE, scheduling: "lifo" as const };
  const config: S3ClientConfig = {
    region: options.region,
    ...endpointOf(options),
    ...(options.credentials === undefined ? {} : { credentials: credentialsOf(options.credentials) }),
    ...(options.userAgent === "" ? {} : { customUserAgent: options.userAgent }),
    // Retries are ours (calls.ts): with a deadline, a circuit, and streams that go on in the middle.
    maxAttempts: 1,
    requestChecksumCalculation: options.checksums === "when_supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    responseChecksumValidation: options.checksums === "when_supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    // Each request with `Expect` would open a connection of its own.
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: options.connectTimeout,
      // The time of a request is ours too. The handler's would end a download whose client is slow.
      requestTimeout: 0,
      socketTimeout: 0,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({
        ...agent,
        rejectUnauthorized: !options.skipVerify,
        // Made once: to read the authorities for each connection would take longer than the connection.
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
    forcePathStyle: options.pathStyle,
    ...(options.secure ? {} : { endpoint: plainEndpoint(options) }),
    useDualstackEndpoint: options.dualStack && options.secure,
    useAccelerateEndpoint: options.accelerate,
    useFipsEndpoint: options.fips,
    // The endpoint is the configuration's, as in the original, not one that a variable for other programs names.
    ignoreConfiguredEndpointUrls: true,
  };
}

/** Amazon's own without TLS. */
function plainEndpoint({ region, dualStack }: S3Options): string {
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `http://s3.${dualStack ? "dualstack." : ""}${region}.${domain}`;
}

function credentialsOf({ accessKey, secretKey, sessionToken }: NonNullable<S3Options["credentials"]>) {
  return {
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

const WARNING = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";

/** The SDK's advice about Node's version isn't for those who run a registry. The variable is as before afterwards. */
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
