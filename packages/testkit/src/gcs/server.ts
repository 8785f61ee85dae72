import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { serveHttp } from "../loopback.js";
import { createFaults, type Fault, type Faults } from "../s3/stand-in/faults.js";
import { fromSortable } from "../s3/stand-in/encoding.js";
import { contentOf } from "../s3/stand-in/content.js";
import { emptyReply, xmlReply, type Reply } from "../s3/stand-in/reply.js";
import { sendReply } from "../s3/stand-in/sender.js";
import { collectBytes } from "../streams.js";
import { createIdentity, type Identity } from "./identity.js";
import {
  checkParameters,
  compose,
  getMedia,
  getMetadata,
  insert,
  jsonReply,
  list,
  remove,
  rewrite,
  type GcsCall,
} from "./json-api.js";
import { readRequest, type GcsOperation, type GcsRequest } from "./operations.js";
import { GcsRefusal } from "./refusal.js";
import { createStore, type GcsStore } from "./store.js";
import { abortUpload, completeUpload, initiateUpload, listUploads, uploadPart } from "./xml-api.js";

/**
 * A stand-in for Google Cloud Storage, in this process and in memory, written from its documentation: neither Google's nor checked against
 * Google's service, which can't be had here. It knows what the driver uses: of the JSON API objects, conditions, pages, partial responses,
 * copies in several calls, compositions; of the XML API multipart uploads and signed addresses; and the services that give tokens and
 * signatures. It refuses what the documentation doesn't have.
 */
export interface GcsServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`: storage, and the services around it. */
  readonly serviceUrl: string;
  readonly tokenUri: string;
  readonly identity: Identity;
  /** The content of the service account's key file. */
  readonly keyFile: Readonly<Record<string, string>>;
  readonly store: GcsStore;
  readonly faults: Faults<GcsRequest>;
  /** The requests that arrived. */
  readonly requests: readonly GcsRequest[];
  /** How often each operation was asked for. */
  counts(): Partial<Record<GcsOperation, number>>;
  clear(): void;
  /** The body of an answer of success for which nothing is done; undefined: what was asked for. Writable. */
  instead: ((request: GcsRequest) => string | undefined) | undefined;
  /** Whether something before the service takes the generation out of headers. Writable. */
  hidesGeneration: boolean;
  /** Bytes that one call of Rewrite copies; all by default. Writable. */
  rewriteBytes: number;
  /** Whether an object can be written once a second only, as in the service; false by default. Writable. */
  isLimited: boolean;
  /** Whether the identity may sign with the IAM API; true by default. Writable. */
  maySign: boolean;
  /** Creates a bucket that no other test uses; returns its name. */
  newBucket(): string;
  /** The objects of a bucket, each with a slash before its name and its size behind it, sorted. */
  inventory(bucket: string): readonly string[];
  stop(): Promise<void>;
}

type Handler = (call: GcsCall) => Reply;

const HANDLERS: Readonly<Record<Exclude<GcsOperation, "Token" | "SignBlob" | "Metadata">, Handler>> = {
  Insert: insert,
  Get: getMedia,
  GetMetadata: getMetadata,
  List: list,
  Delete: remove,
  Rewrite: rewrite,
  Compose: compose,
  SignedGet: getMedia,
  InitiateUpload: initiateUpload,
  UploadPart: uploadPart,
  CompleteUpload: completeUpload,
  AbortUpload: abortUpload,
  ListUploads: listUploads,
};

/** Of which the errors are XML. */
const XML_API: ReadonlySet<GcsOperation> = new Set<GcsOperation>([
  "SignedGet",
  "InitiateUpload",
  "UploadPart",
  "CompleteUpload",
  "AbortUpload",
  "ListUploads",
]);

interface Settings {
  rewriteBytes: number;
  isLimited: boolean;
  maySign: boolean;
  instead: GcsServer["instead"];
  hidesGeneration: boolean;
}

/** Starts the stand-in on the loopback address. */
export async function startGcs(): Promise<GcsServer> {
  const settings: Settings = {
    ...{ rewriteBytes: Infinity, isLimited: false, maySign: true },
    ...{ instead: undefined, hidesGeneration: false },
  };
  const identity = createIdentity();
  const store = createStore(() => settings.isLimited);
  const faults = createFaults<GcsRequest>();
  const requests: GcsRequest[] = [];

  const carryOut = (request: GcsRequest, body: Buffer): Reply => {
    const { operation, headers, method } = request;
    if (operation === "Token") return jsonReply(identity.exchange(body.toString(), tokenUri()));
    if (operation === "Metadata") return answerMetadata(request, identity);
    if (operation === "SignedGet") {
      identity.checkAddress(request);
      if (method !== "GET" && method !== "HEAD") throw new GcsRefusal(400, "InvalidArgument", "not a read");
    } else if (!identity.isKnown(headers["authorization"])) {
      throw new GcsRefusal(401, "authError", "Invalid Credentials");
    }
    if (operation === "SignBlob") {
      if (!settings.maySign) throw new GcsRefusal(403, "forbidden", "Permission 'iam.serviceAccounts.signBlob' denied");
      return jsonReply(identity.signBlob(z.object({ payload: z.base64() }).parse(JSON.parse(body.toString())).payload));
    }
    checkParameters(request);
    return HANDLERS[operation]({ request, body, store, rewriteBytes: settings.rewriteBytes });
  };

  const answer = async (message: IncomingMessage, request: GcsRequest, fault: Fault | undefined): Promise<Reply> => {
    if (fault?.kind === "stall") await delay(fault.milliseconds, undefined, { ref: false });
    try {
      const body = await collectBytes(message);
      if (fault?.kind === "error") {
        const refused = errorReply(request.operation, new GcsRefusal(fault.status, fault.code, "a fault for the test"));
        const wait = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
        return { ...refused, headers: { ...refused.headers, ...wait } };
      }
      const sends = message.method === "POST" || message.method === "PUT";
      if (sends && Number(message.headers["content-length"]) !== body.length) {
        throw new GcsRefusal(411, "required", "You must provide the Content-Length HTTP header.");
      }
      const instead = settings.instead?.(request);
      if (instead !== undefined) return { status: 200, headers: {}, content: contentOf(Buffer.from(instead)) };
      const reply = carryOut(request, body);
      if (!settings.hidesGeneration) return reply;
      const headers = Object.entries(reply.headers).filter(([name]) => name !== "x-goog-generation");
      return { ...reply, headers: Object.fromEntries(headers) };
    } catch (error) {
      if (!(error instanceof GcsRefusal)) throw error;
      return errorReply(request.operation, error);
    }
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = readRequest(message.method ?? "GET", message.url ?? "/", message.headers);
    if (request === undefined) {
      message.resume();
      await sendReply(response, errorReply("List", new GcsRefusal(404, "notFound", "Not Found")), true, undefined);
      return;
    }
    requests.push(request);
    const fault = faults.strike(request);
    if (fault?.kind === "reset") return void message.socket.resetAndDestroy();
    const reply = await answer(message, request, fault);
    if (fault?.kind === "lost-answer") return void message.socket.resetAndDestroy();
    response.setHeader("server", "stand-in for Google Cloud Storage, for tests only");
    await sendReply(response, reply, message.method !== "HEAD", fault);
  };

  const server = await serveHttp((message, response) => {
    handle(message, response).catch((error: unknown) => {
      if (!message.socket.destroyed) console.error("the stand-in for Google Cloud Storage failed:", error);
      message.socket.destroy();
    });
  });
  const tokenUri = (): string => `${server.url}/token`;
  const stop = (): Promise<void> => server.close();
  return Object.assign(settings, {
    serviceUrl: server.url,
    tokenUri: tokenUri(),
    identity,
    keyFile: identity.keyFile(tokenUri()),
    store,
    faults,
    requests,
    counts() {
      const counts: Partial<Record<GcsOperation, number>> = {};
      for (const { operation } of requests) counts[operation] = (counts[operation] ?? 0) + 1;
      return counts;
    },
    clear: () => void (requests.length = 0),
    newBucket() {
      const name = `test-${randomBytes(6).toString("hex")}`;
      store.buckets.create(name);
      return name;
    },
    inventory: (bucket: string) =>
      [...store.bucket(bucket).keys("", "")]
        .map(fromSortable)
        .map((name) => `/${name} ${store.get(bucket, name).content.size}`),
    stop,
    [Symbol.asyncDispose]: stop,
  });
}

/** As a machine of Google's tells what runs on it. */
function answerMetadata({ pathname, headers }: GcsRequest, identity: Identity): Reply {
  if (headers["metadata-flavor"] !== "Google") throw new GcsRefusal(403, "forbidden", "Missing Metadata-Flavor:Google");
  const flavor = { "metadata-flavor": "Google" };
  const path = pathname.slice("/computeMetadata/v1/".length).replace(/\/$/, "");
  if (path === "instance/service-accounts/default/token") {
    const reply = jsonReply({ access_token: identity.issue(), expires_in: 3599, token_type: "Bearer" });
    return { ...reply, headers: { ...reply.headers, ...flavor } };
  }
  const text =
    path === "instance/service-accounts/default/email" ? identity.email : path === "instance" ? "" : undefined;
  if (text === undefined) return emptyReply(404, flavor);
  return {
    status: 200,
    headers: { "content-type": "application/text", ...flavor },
    content: contentOf(Buffer.from(text)),
  };
}

function errorReply(operation: GcsOperation, { status, code, message }: GcsRefusal): Reply {
  if (XML_API.has(operation)) return xmlReply("Error", { Code: code, Message: message }, status, "");
  if (operation === "Token") return jsonReply({ error: code, error_description: message }, undefined, status);
  const errors = [{ domain: "global", reason: code, message }];
  return jsonReply({ error: { code: status, message, errors } }, undefined, status);
}

/** The parameters of `storage.gcs` for a bucket of the stand-in, or of what stands before it. */
export function gcsParameters(
  { serviceUrl, keyFile }: Pick<GcsServer, "serviceUrl" | "keyFile">,
  bucket: string,
): Readonly<Record<string, unknown>> {
  return { bucket, serviceurl: serviceUrl, credentials: keyFile };
}
