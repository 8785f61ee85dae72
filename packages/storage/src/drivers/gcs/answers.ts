import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { z } from "zod";
import { secondsToWait } from "../objects/faults.js";
import type { Refusal } from "./faults.js";
import { firstText } from "./xml.js";

/** Of an error. */
const MOST_ERROR = 64 * 1024;

/** Reads a text of at most `most` bytes; what is longer is cut off. */
export async function readText(body: Readable, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > most) break;
  }
  return Buffer.concat(chunks).subarray(0, most).toString("utf8");
}

const errorBody = z.object({
  error: z.object({
    message: z.string().default(""),
    errors: z.array(z.object({ reason: z.string().default("") })).default([]),
  }),
});

/** What a service of Google's says about a request that it refused. */
export async function readRefusal({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Refusal> {
  const text = await readText(body, MOST_ERROR).catch(() => "");
  return { status: statusCode, wait: secondsToWait(headers["retry-after"]), ...describe(text) };
}

const ERROR_DOCUMENT = /^\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]/;

/** The refusal in an answer that began as success: what takes long may fail after its status was sent. */
export function refusalIn(text: string): Refusal | undefined {
  return ERROR_DOCUMENT.test(text) ? { status: 200, wait: undefined, ...describe(text) } : undefined;
}

function describe(text: string): { readonly code: string; readonly message: string } {
  if (text.trimStart().startsWith("<")) {
    const details = firstText(text, "Details") ?? "";
    return { code: firstText(text, "Code") ?? "", message: `${firstText(text, "Message") ?? ""} ${details}`.trim() };
  }
  const parsed = errorBody.safeParse(parseJson(text));
  if (!parsed.success) return { code: "", message: text };
  const { message, errors } = parsed.data.error;
  return { code: errors[0]?.reason ?? "", message };
}

/** Undefined for what isn't JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
