import { StorageError } from "../../errors.js";

/** Levels of nesting that Distribution's JSON reader follows. */
const MAX_DEPTH = 10_000;

/** A JSON object, of which nothing is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A refusal of a manifest for `reason`. */
export function invalid(reason: string): StorageError {
  return new StorageError({ code: "MANIFEST_INVALID", reason });
}

/** Whether `value` is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object's own member `key`; undefined where it is absent or null, which mean the same to Distribution. */
export function member(object: JsonObject, key: string): unknown {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  return value ?? undefined;
}

/**
 * The JSON object that `bytes` hold. Throws MANIFEST_INVALID, with Distribution's words for what is no JSON. Invalid UTF-8
 * reads as U+FFFD, a repeated key as its last value, as there. Nothing here or above recurses into the result.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  if (isTooDeep(bytes)) throw invalid("exceeded max depth");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const value = parse(text);
  if (isJsonObject(value)) return value;
  throw invalid(`a manifest is a JSON object, not ${nameOf(value)}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(error instanceof SyntaxError ? describeSyntax(text, error.message) : "invalid JSON");
  }
}

/** Says in Distribution's words what V8 says in its own. */
function describeSyntax(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const ended = position !== undefined && Number(position) >= text.length;
  if (ended || /^(Unexpected end|Unterminated string)/.test(message)) return "unexpected end of JSON input";
  const character = /^Unexpected token '(.)'/su.exec(message)?.[1] ?? text.at(Number(position ?? Number.NaN));
  if (character === undefined) return "invalid JSON";
  const where = message.startsWith("Unexpected non-whitespace")
    ? "after top-level value"
    : "looking for beginning of value";
  return `invalid character ${quote(character)} ${where}`;
}

function quote(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 ? `'\\x${code.toString(16).padStart(2, "0")}'` : `'${character}'`;
}

/** Whether brackets outside of strings nest too deep. Works on bytes: UTF-8 has no bracket or quote within a character. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
