/** Percent-encoding as Signature Version 4 writes it: everything but `A-Za-z0-9-._~`. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The same for a path, whose slashes stay. */
export function uriEncodePath(path: string): string {
  return path.split("/").map(uriEncode).join("/");
}

/** Undefined where an escape is broken. */
export function uriDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Name and value of each query parameter, decoded, as they came. Undefined where an escape is broken. */
export function parseQuery(query: string): readonly (readonly [string, string])[] | undefined {
  const pairs: (readonly [string, string])[] = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = uriDecode((at < 0 ? part : part.slice(0, at)).replaceAll("+", " "));
    const value = uriDecode((at < 0 ? "" : part.slice(at + 1)).replaceAll("+", " "));
    if (name === undefined || value === undefined) return undefined;
    pairs.push([name, value]);
  }
  return pairs;
}

/** A key in a form whose order as a string is its order as UTF-8, which is S3's. */
export function toSortable(key: string): string {
  return Buffer.from(key, "utf8").toString("latin1");
}

export function fromSortable(sortable: string): string {
  return Buffer.from(sortable, "latin1").toString("utf8");
}
