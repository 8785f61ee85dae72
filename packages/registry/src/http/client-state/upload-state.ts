import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { ApiError } from "../../errors/api-error.js";

/** What a client returns with each request of an upload. */
export interface UploadState {
  readonly name: string;
  readonly uuid: string;
  /** Bytes received when the location was given. */
  readonly offset: number;
  readonly startedAt: Date;
}

/**
 * Signs and checks the `_state` of upload locations (wire contract §1.6). With the same secret, it is interchangeable with
 * Distribution's.
 */
export interface UploadStates {
  sign(state: UploadState): string;
  /** The state for `uuid` of `name`. Throws BLOB_UPLOAD_INVALID for one that isn't ours or belongs to another upload. */
  verify(token: string | undefined, name: string, uuid: string): UploadState;
}

const MAC_LENGTH = 32;

const payload = z.object({
  Name: z.string(),
  UUID: z.string(),
  Offset: z.number().int().nonnegative(),
  StartedAt: z.string(),
});

export function createUploadStates(secret: string): UploadStates {
  const mac = (json: Uint8Array): Buffer => createHmac("sha256", secret).update(json).digest();
  return {
    sign({ name, uuid, offset, startedAt }) {
      const json = Buffer.from(
        JSON.stringify({ Name: name, UUID: uuid, Offset: offset, StartedAt: startedAt.toISOString() }),
      );
      // Go's URL encoding of base64 keeps the padding.
      return Buffer.concat([mac(json), json])
        .toString("base64")
        .replaceAll("+", "-")
        .replaceAll("/", "_");
    },
    verify(token, name, uuid) {
      const bytes = decode(token ?? "");
      const json = bytes.subarray(MAC_LENGTH);
      const given = bytes.subarray(0, MAC_LENGTH);
      if (given.length < MAC_LENGTH || !timingSafeEqual(given, mac(json))) throw invalid("invalid secret");
      const state = payload.safeParse(parseJson(json));
      if (!state.success) throw invalid("invalid secret");
      const { Name, UUID, Offset, StartedAt } = state.data;
      if (Name !== name || UUID !== uuid) throw invalid();
      return { name, uuid, offset: Offset, startedAt: new Date(StartedAt) };
    },
  };
}

function decode(token: string): Buffer {
  const bad = token.search(/[^A-Za-z0-9_-]/);
  const end = bad < 0 ? token.length : bad;
  if (token.length % 4 !== 0 || !/^={0,2}$/.test(token.slice(end))) {
    throw invalid(`illegal base64 data at input byte ${end}`);
  }
  return Buffer.from(token, "base64url");
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function invalid(detail?: string): ApiError {
  return new ApiError("BLOB_UPLOAD_INVALID", detail === undefined ? {} : { detail });
}
