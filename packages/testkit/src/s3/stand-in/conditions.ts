import { noSuchKey, preconditionFailed, S3Refusal } from "./refusal.js";
import type { StoredObject } from "./store.js";

type Headers = ReadonlyMap<string, string>;

/** RFC 9110 §13.1 for reading. Throws 412, or 304 as a refusal. `prefix` is that of a copy's source. */
export function checkReadConditions(headers: Headers, object: StoredObject, prefix = ""): void {
  const ifMatch = headers.get(`${prefix}if-match`);
  const ifNoneMatch = headers.get(`${prefix}if-none-match`);
  const ifModified = readDate(headers.get(`${prefix}if-modified-since`));
  const ifUnmodified = readDate(headers.get(`${prefix}if-unmodified-since`));
  const modified = Math.floor(object.modified.getTime() / 1000) * 1000;
  if (ifMatch !== undefined && !matches(ifMatch, object.etag)) throw preconditionFailed();
  if (ifMatch === undefined && ifUnmodified !== undefined && modified > ifUnmodified) throw preconditionFailed();
  const unchanged =
    ifNoneMatch === undefined ? ifModified !== undefined && modified <= ifModified : matches(ifNoneMatch, object.etag);
  if (!unchanged) return;
  if (prefix !== "") throw preconditionFailed();
  throw new S3Refusal(304, "NotModified", "");
}

/** The conditions of a write: `If-None-Match: *` and `If-Match`. */
export function checkWriteConditions(headers: Headers, existing: StoredObject | undefined): void {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== "*") throw new S3Refusal(501, "NotImplemented", "If-None-Match of a write can only be *");
    if (existing !== undefined) throw preconditionFailed();
  }
  if (ifMatch === undefined) return;
  if (existing === undefined) throw noSuchKey();
  if (!matches(ifMatch, existing.etag)) throw preconditionFailed();
}

function matches(field: string, etag: string): boolean {
  return field.trim() === "*" || field.split(",").some((each) => unquote(each.trim()) === unquote(etag));
}

function unquote(etag: string): string {
  return etag.replaceAll('"', "");
}

function readDate(text: string | undefined): number | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
