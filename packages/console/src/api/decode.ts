import { isDigest, isRepositoryName, isTag } from "../lib/grammar.js";

/** Checks that JSON is what the API promises, and says where it isn't. `path` names the value in the message. */
export type Decoder<T> = (value: unknown, path: string) => T;

export type Decoded<D> = D extends Decoder<infer T> ? T : never;

/** The answer isn't what was agreed on. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

function fail(path: string, expected: string): never {
  throw new DecodeError(`${path} should be ${expected}`);
}

export const text: Decoder<string> = (value, path) => (typeof value === "string" ? value : fail(path, "a text"));
export const number: Decoder<number> = (value, path) => (typeof value === "number" ? value : fail(path, "a number"));
export const flag: Decoder<boolean> = (value, path) =>
  typeof value === "boolean" ? value : fail(path, "true or false");

/** Text that `fits`; `expected` says in messages what it should be. */
function textThat(fits: (text: string) => boolean, expected: string): Decoder<string> {
  return (value, path) => (typeof value === "string" && fits(value) ? value : fail(path, expected));
}

export const repositoryName = textThat(isRepositoryName, "the name of a repository");
export const tagName = textThat(isTag, "a tag");
export const digest = textThat(isDigest, "a digest");

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Members that it doesn't know are dropped: a newer registry may send more. */
export function object<S extends Readonly<Record<string, Decoder<unknown>>>>(
  shape: S,
): Decoder<{ readonly [K in keyof S]: Decoded<S[K]> }> {
  return (value, path) => {
    if (!isRecord(value)) fail(path, "an object");
    const members = Object.entries(shape).map(([key, decode]) => [key, decode(value[key], `${path}.${key}`)]);
    return Object.fromEntries(members) as { readonly [K in keyof S]: Decoded<S[K]> };
  };
}

export function list<T>(item: Decoder<T>): Decoder<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) fail(path, "a list");
    return value.map((each: unknown, index) => item(each, `${path}[${index}]`));
  };
}

export function record<T>(item: Decoder<T>): Decoder<Readonly<Record<string, T>>> {
  return (value, path) => {
    if (!isRecord(value)) fail(path, "an object");
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, item(each, `${path}.${key}`)]));
  };
}

/** Null counts as absent. */
export function optional<T>(inner: Decoder<T>): Decoder<T | undefined> {
  return (value, path) => (value === undefined || value === null ? undefined : inner(value, path));
}
