import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { serveHttp } from "../loopback.js";
import { createFaults, type Fault, type Faults } from "../s3/stand-in/faults.js";
import { write } from "../s3/stand-in/sender.js";
import { collectBytes } from "../streams.js";
import type { Azurite } from "./azurite.js";
import { copyFromUrl } from "./copies.js";
import { operationOf, type AzureOperation, type AzureRequest } from "./operations.js";

/** A proxy before Azurite that counts, breaks what it is told to, and knows two calls that the emulator doesn't. */
export interface AzureFront extends AsyncDisposable {
  /** In place of the emulator's. */
  readonly serviceUrl: string;
  readonly account: string;
  readonly key: string;
  readonly faults: Faults<AzureRequest>;
  /** The requests that arrived. */
  readonly requests: readonly AzureRequest[];
  /** How often each operation was asked for. */
  counts(): Partial<Record<AzureOperation, number>>;
  clear(): void;
  stop(): Promise<void>;
}

/**
 * Starts the proxy. With `copies` it stands in for the service's own copies (Put Blob From URL, Put Block From URL), which Azurite
 * hasn't: once the emulator has accepted the request's signature, it reads the source there, with the authorization that the
 * request has for it, and writes what it read.
 */
export async function startAzureFront(azurite: Azurite, { copies = true } = {}): Promise<AzureFront> {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port, pathname: root } = new URL(azurite.serviceUrl);
  const faults = createFaults<AzureRequest>();
  const requests: AzureRequest[] = [];

  const forward = (message: IncomingMessage, body: Buffer): Promise<IncomingMessage> => {
    const { method, url: path, rawHeaders: headers } = message;
    const upstream = httpRequest({ agent, hostname, port, method, path, headers, setHost: false });
    return new Promise((resolve, reject) => {
      upstream.once("response", resolve).once("error", reject).end(body);
    });
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const seen: AzureRequest = { ...operationOf(message, root), headers: message.headers };
    requests.push(seen);
    const fault = faults.strike(seen);
    if (fault?.kind === "reset") return void message.socket.resetAndDestroy();
    const body = await collectBytes(message);
    if (fault?.kind === "stall") await delay(fault.milliseconds, undefined, { ref: false });
    if (fault?.kind === "error") {
      sendError(response, fault);
      return;
    }
    const forwarded = await forward(message, body);
    const isCopy = seen.operation === "PutBlobFromURL" || seen.operation === "PutBlockFromURL";
    if (copies && isCopy && forwarded.statusCode === 501) {
      await collectBytes(forwarded);
      const { status, code } = await copyFromUrl(azurite, seen, message);
      if (fault?.kind === "lost-answer") return void message.socket.resetAndDestroy();
      response.writeHead(status, { "content-length": "0", ...(code === "" ? {} : { "x-ms-error-code": code }) }).end();
      return;
    }
    await sendOn(message, response, forwarded, fault);
  };

  const server = await serveHttp((message, response) => {
    handle(message, response).catch(() => message.socket.destroy());
  });
  const stop = async (): Promise<void> => {
    await server.close();
    agent.destroy();
  };
  return {
    serviceUrl: `${server.url}${root}`,
    account: azurite.account,
    key: azurite.key,
    faults,
    requests,
    counts() {
      const counts: Partial<Record<AzureOperation, number>> = {};
      for (const { operation } of requests) counts[operation] = (counts[operation] ?? 0) + 1;
      return counts;
    },
    clear: () => void (requests.length = 0),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function sendError(response: ServerResponse, fault: Extract<Fault, { kind: "error" }>): void {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${fault.code}</Code><Message>a fault for the test</Message></Error>`;
  response.writeHead(fault.status, {
    "content-type": "application/xml",
    "content-length": String(Buffer.byteLength(body)),
    ...(fault.code === "" ? {} : { "x-ms-error-code": fault.code }),
    ...(fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) }),
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

async function sendOn(
  message: IncomingMessage,
  response: ServerResponse,
  answer: IncomingMessage,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.kind === "lost-answer") {
    answer.destroy();
    message.socket.resetAndDestroy();
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  let left = fault !== undefined && "after" in fault ? fault.after : Infinity;
  for await (const chunk of answer) {
    if (response.destroyed) return;
    if (!(chunk instanceof Uint8Array)) continue;
    if (left < chunk.byteLength) {
      await write(response, chunk.subarray(0, left));
      if (fault?.kind === "truncate") return void message.socket.end(() => message.socket.destroy());
      if (fault?.kind === "reset-in-body") return void message.socket.resetAndDestroy();
      if (fault?.kind === "stall-in-body") await delay(fault.milliseconds, undefined, { ref: false });
      await write(response, chunk.subarray(left));
      left = Infinity;
    } else {
      await write(response, chunk);
      left -= chunk.byteLength;
    }
  }
  response.end();
}
