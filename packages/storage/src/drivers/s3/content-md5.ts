import { createHash } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";

/**
 * Sends `Content-MD5` with requests for which S3 requires a checksum (deleting many keys), instead of the SDK's newer headers:
 * every service supports the older header, and some no other.
 */
export function useContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (isPlain(request) && request.headers["x-amz-sdk-checksum-algorithm"] !== undefined) {
        for (const name of Object.keys(request.headers)) {
          if (/^x-amz-(?:sdk-checksum-algorithm|checksum-)/i.test(name)) Reflect.deleteProperty(request.headers, name);
        }
        request.headers["content-md5"] = createHash("md5").update(request.body).digest("base64");
      }
      return next(args);
    },
    { step: "build", priority: "low", name: "contentMd5", override: true },
  );
}

interface PlainRequest {
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array;
}

/** A request with its body in memory, as all of ours are; only the SDK's stack knows its type. */
function isPlain(request: unknown): request is PlainRequest {
  if (typeof request !== "object" || request === null || !("headers" in request) || !("body" in request)) return false;
  const { headers, body } = request;
  return headers instanceof Object && (typeof body === "string" || body instanceof Uint8Array);
}
