import { MINUTE } from "@longshore/base/duration";
import { MIB } from "@longshore/base/size";
import type { Networks } from "@longshore/base/network";
import type { MiddlewarePorts } from "./kind.js";
import { parseAwsNetworks } from "./aws-networks.js";

/** Options of {@link openAwsClients}. Times in milliseconds. */
export interface AwsClientsOptions {
  readonly url: string;
  /** Undefined means all. */
  readonly regions: readonly string[] | undefined;
  readonly interval: number;
}

/** AWS's list has 2 MB; a much larger response is something else. */
const LARGEST_LIST = 32 * MIB;
const FETCH_TIMEOUT = 30_000;
/** After a failure, unless the next fetch is due earlier. */
const RETRY_AFTER = MINUTE;

/** Knows which clients are in AWS, from a list that it fetches regularly. */
export interface AwsClientList {
  /** False while no list has been fetched yet. */
  has(address: string): boolean;
  /** Idempotent; resolves when a fetch under way has ended. */
  close(): Promise<void>;
}

/**
 * Starts to fetch the list at once, without waiting for it: an unavailable server must not keep the registry from starting. After
 * a failed fetch the previous networks stay in use; failures are logged once, until a fetch succeeds.
 */
export function openAwsClients(options: AwsClientsOptions, ports: MiddlewarePorts): AwsClientList {
  const stop = new AbortController();
  let networks: Networks | undefined;
  let failing = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    let next = options.interval;
    try {
      networks = parseAwsNetworks(await fetchList(options.url, stop.signal), options.regions);
      failing = false;
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!failing) ports.warn(failure(options.url, error, networks !== undefined));
      failing = true;
      next = Math.min(next, RETRY_AFTER);
    }
    timer = setTimeout(() => {
      looking = look();
    }, next).unref();
  };
  let looking = look();

  return {
    has: (address) => networks?.(address) ?? false,
    close: async () => {
      stop.abort();
      clearTimeout(timer);
      await looking;
    },
  };
}

async function fetchList(url: string, stop: AbortSignal): Promise<string> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FETCH_TIMEOUT)]);
  const response = await fetch(url, { signal, headers: { accept: "application/json" } });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const body: AsyncIterable<Uint8Array> = response.body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (size > LARGEST_LIST) throw new Error(`more than ${LARGEST_LIST} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function failure(url: string, error: unknown, known: boolean): string {
  const meanwhile = known
    ? "the networks fetched before still count"
    : "until it can, clients in AWS are sent to CloudFront like all others";
  return `cloudfront: the list of AWS's networks can't be fetched from ${url} (${reason(error)}); ${meanwhile}`;
}

/** `fetch` hides what went wrong in the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return `no answer within ${FETCH_TIMEOUT / 1000} s`;
  if (error.name === "ZodError") return "not the format of ip-ranges.json";
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
