import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { SecureContext } from "node:tls";
import { BlobServiceClient, newPipeline, type StoragePipelineOptions } from "@azure/storage-blob";
import type { Credential } from "./credential.js";
import type { AzureOptions } from "./options.js";

/** How long an unused connection is kept (ms). It doesn't limit connections in use. */
const KEEP_ALIVE = 15_000;

/** The library's client, and the connections that it makes. */
export interface AzureClient {
  readonly service: BlobServiceClient;
  /** Closes all connections. */
  destroy(): void;
}

/**
 * The library's client for `options`, without retries of its own. It doesn't connect yet. `trusted`: the authorities that TLS
 * connections trust, by default Node's own.
 */
export function createClient(
  options: AzureOptions,
  credential: Credential,
  trusted: SecureContext | undefined,
): AzureClient {
  const agent = createAgent(options, trusted);
  // Retries are ours (objects/calls.ts): with a deadline, a circuit breaker, and streams that resume in the middle.
  const pipelineOptions: StoragePipelineOptions & { readonly agent: HttpAgent } = {
    retryOptions: { maxTries: 1 },
    agent,
  };
  const service = new BlobServiceClient(options.serviceurl, newPipeline(credential, pipelineOptions));
  return { service, destroy: () => agent.destroy() };
}

function createAgent(options: AzureOptions, trusted: SecureContext | undefined): HttpAgent {
  const settings = {
    keepAlive: true,
    maxSockets: options.maxsockets,
    timeout: KEEP_ALIVE,
    scheduling: "lifo" as const,
  };
  const agent = options.serviceurl.startsWith("https:")
    ? new HttpsAgent({
        ...settings,
        rejectUnauthorized: !options.skipverify,
        // Created once: loading the authorities for each connection would take longer than connecting.
        ...(trusted === undefined ? {} : { secureContext: trusted }),
      })
    : new HttpAgent(settings);
  return agent;
}
