import { AuthError } from "@longshore/auth";
import { errnoOf } from "@longshore/base/errno";
import { readCertificates } from "@longshore/base/pem";
import { readFile } from "node:fs/promises";
import { Agent } from "undici";
import type { CallOptions } from "./call-options.js";

/** An answer of a hook, whatever it means. */
export interface HookAnswer {
  readonly status: number;
  readonly body: string;
}

/** An HTTP server that questions are posted to. */
export interface HookClient {
  /** Throws AuthError UNAVAILABLE, or the signal's reason. A redirect is an answer like any other, and not followed. */
  post(question: unknown, signal: AbortSignal): Promise<HookAnswer>;
  close(): Promise<void>;
}

/**
 * Prepares to ask a hook; `section` is the configuration's, for messages. Throws AuthError INVALID_OPTIONS if the file of
 * authorities can't be used.
 */
export async function openHookClient(section: string, options: CallOptions): Promise<HookClient> {
  const { authorization, timeout, concurrency: connections, maxresponse } = options;
  const url = new URL(options.url);
  const ca = await readCa(section, options.ca);
  const agent = new Agent({
    connections,
    connect: { timeout, ...(ca && { ca }) },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxResponseSize: maxresponse,
  });
  return {
    async post(question, signal) {
      try {
        const { statusCode, body } = await agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: "POST",
          headers: {
            "content-type": "application/json",
            accept: "application/json",
            ...(authorization && { authorization: authorization.reveal() }),
          },
          body: JSON.stringify(question),
          signal,
        });
        return { status: statusCode, body: await body.text() };
      } catch (error) {
        signal.throwIfAborted();
        throw hookUnavailable(section, errnoOf(error) ?? "the request failed", error);
      }
    },
    close: () => agent.destroy(),
  };
}

async function readCa(section: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  const option = `${section}.ca`;
  try {
    const bytes = await readFile(path);
    const { problem } = readCertificates(bytes, path);
    if (problem === undefined) return bytes;
    throw new AuthError({ code: "INVALID_OPTIONS", path: option, reason: `${path} ${problem}` });
  } catch (error) {
    if (error instanceof AuthError) throw error;
    const reason = `${path} can't be read (${errnoOf(error) ?? "unknown fault"})`;
    throw new AuthError({ code: "INVALID_OPTIONS", path: option, reason }, { cause: error });
  }
}

/** The hook of `section` can't tell. */
export function hookUnavailable(section: string, reason: string, cause?: unknown): AuthError {
  return new AuthError({ code: "UNAVAILABLE", reason: `${section}: ${reason}` }, { cause });
}
