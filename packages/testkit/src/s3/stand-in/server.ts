import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { type Context, type Manners, S3_LIMITS, type Limits } from "./context.js";
import { createFaults, type Fault, type Faults } from "./faults.js";
import { createRequestLog, type RequestLog, type SeenRequest } from "./log.js";
import { OPERATIONS, operationOf } from "./operations.js";
import { readPayload } from "./payload.js";
import { S3Refusal } from "./refusal.js";
import { xmlReply, type Reply } from "./reply.js";
import { readRequest } from "./request.js";
import { sendReply } from "./sender.js";
import { verifySignature } from "./signature.js";
import { createBuckets, type Buckets } from "./store.js";

export interface StandInOptions {
  /** 0, one that the system chooses, unless told. */
  readonly port?: number;
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Asked of every request when set. */
  readonly sessionToken?: string;
  /** When set, requests that are signed for another region are refused. */
  readonly region?: string;
  /** PEM; plain HTTP without. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly limits?: Partial<Limits>;
  /** False ignores the conditions of writes, as older servers do; true unless told. */
  readonly conditionalWrites?: boolean;
}

/**
 * A light S3 server for tests, in this process and in memory: no implementation of S3, and none that anybody should store
 * anything in. It is as strict as S3 where a client could be wrong (signatures, hashes, part sizes, order), and a suite
 * compares it with a real server.
 */
export interface StandInServer {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly log: RequestLog;
  readonly faults: Faults;
  readonly buckets: Buckets;
  /** Milliseconds that its clock is ahead of this machine's. Writable. */
  clockOffset: number;
  /** Closes every connection; what it held is gone with it. */
  stop(): Promise<void>;
}

/** Starts the stand-in on the loopback address. */
export async function startStandInServer(options: StandInOptions = {}): Promise<StandInServer> {
  const accessKey = options.accessKey ?? "STANDINKEY";
  const secretKey = options.secretKey ?? "stand-in/secret+key";
  const { sessionToken, region, tls } = options;
  const credentials = { accessKey, secretKey, sessionToken, region };
  const manners: Manners = {
    limits: { ...S3_LIMITS, ...options.limits },
    conditionalWrites: options.conditionalWrites ?? true,
  };
  const buckets = createBuckets();
  const faults = createFaults();
  const log = createRequestLog();
  const clock = { offset: 0 };

  /** Reads and carries out one request; the answer, and what befalls it on its way. */
  const carryOut = async (
    message: IncomingMessage,
    response: ServerResponse,
    now: Date,
    note: (seen: SeenRequest) => void,
  ): Promise<{ reply: Reply; fault: Fault | undefined }> => {
    const request = readRequest(message);
    const operation = operationOf(request);
    const { bucket, key, headers } = request;
    const seen = { operation, bucket, key, query: new Map(request.query), headers };
    note(seen);
    const fault = faults.strike(seen);
    if (fault?.kind === "stall") await delay(fault.milliseconds, undefined, { ref: false });
    if (fault?.kind === "reset") return { reply: errorReply(new S3Refusal(500, "InternalError", "reset")), fault };
    const promised = verifySignature(request, credentials, now.getTime());
    if (fault?.kind === "error") {
      const refusal = new S3Refusal(fault.status, fault.code, "A fault that the test asked for.");
      const retryAfter = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
      const reply = errorReply(refusal);
      return { reply: { ...reply, headers: { ...reply.headers, ...retryAfter } }, fault };
    }
    if (request.headers.get("expect")?.toLowerCase() === "100-continue") response.writeContinue();
    const payload = await readPayload(message, request, promised);
    const context: Context = { request, payload, buckets, manners, now, bucket: () => buckets.get(bucket) };
    return { reply: OPERATIONS[operation](context), fault };
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const now = new Date(Date.now() + clock.offset);
    let seen: SeenRequest | undefined;
    let outcome: { reply: Reply; fault: Fault | undefined };
    try {
      outcome = await carryOut(message, response, now, (request) => (seen = request));
    } catch (error) {
      if (!(error instanceof S3Refusal)) throw error;
      outcome = { reply: errorReply(error), fault: undefined };
    }
    const { reply, fault } = outcome;
    const isLost = fault?.kind === "reset" || fault?.kind === "lost-answer";
    if (seen !== undefined) log.add({ ...seen, status: isLost ? 0 : reply.status });
    if (isLost) {
      message.socket.resetAndDestroy();
      return;
    }
    response.setHeader("server", "stand-in for S3, for tests only");
    response.setHeader("x-amz-request-id", randomBytes(8).toString("hex").toUpperCase());
    response.setHeader("date", now.toUTCString());
    // The rest of an unread body would be mistaken for the next request.
    if (!message.complete) response.setHeader("connection", "close");
    await sendReply(response, reply, message.method !== "HEAD", fault);
  };

  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    handle(message, response).catch((error: unknown) => {
      console.error("the stand-in for S3 failed:", error);
      message.socket.destroy();
    });
  };
  const server =
    tls === undefined ? createHttpServer(listener) : createTlsServer({ cert: tls.certificate, key: tls.key }, listener);
  server.on("checkContinue", listener);
  // Clients keep connections for as long as they like; a test's pause must not race with a close.
  server.keepAliveTimeout = 0;
  await once(server.listen(options.port ?? 0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the stand-in listens on no port");
  return {
    endpoint: `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`,
    accessKey,
    secretKey,
    log,
    faults,
    buckets,
    get clockOffset() {
      return clock.offset;
    },
    set clockOffset(milliseconds) {
      clock.offset = milliseconds;
    },
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function errorReply({ status, code, message }: S3Refusal): Reply {
  return xmlReply("Error", { Code: code, Message: message }, status, "");
}
