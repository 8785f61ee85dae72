import type { LoadJob, LoadResult, PushJob, PushWay } from "./job.js";

/** Reads a job from JSON. Throws on anything that isn't one. */
export function parseJob(json: string): LoadJob {
  const job = fields(JSON.parse(json));
  switch (job["kind"]) {
    case "head":
      return {
        kind: "head",
        url: text(job, "url"),
        ...("accept" in job ? { accept: text(job, "accept") } : {}),
        connections: number(job, "connections"),
        seconds: number(job, "seconds"),
      };
    case "download":
      return { kind: "download", urls: texts(job, "urls") };
    case "pull":
      return {
        kind: "pull",
        origin: text(job, "origin"),
        repository: text(job, "repository"),
        tag: text(job, "tag"),
        clients: number(job, "clients"),
      };
    case "manifests":
      return {
        kind: "manifests",
        origin: text(job, "origin"),
        repository: text(job, "repository"),
        manifest: text(job, "manifest"),
        connections: number(job, "connections"),
        seconds: number(job, "seconds"),
      };
    case "push":
      return {
        kind: "push",
        origin: text(job, "origin"),
        repository: text(job, "repository"),
        how: parseWay(text(job, "how")),
        size: number(job, "size"),
        connections: number(job, "connections"),
        limit: parseLimit(fields(job["limit"])),
      };
    default:
      throw new Error(`no such load: ${String(job["kind"])}`);
  }
}

/** Reads what a load process answered. Throws on anything else. */
export function parseResult(json: string): LoadResult {
  const result = fields(JSON.parse(json));
  return {
    operations: number(result, "operations"),
    seconds: number(result, "seconds"),
    digests: texts(result, "digests"),
  };
}

function parseLimit(limit: Fields): PushJob["limit"] {
  return "count" in limit ? { count: number(limit, "count") } : { seconds: number(limit, "seconds") };
}

function parseWay(way: string): PushWay {
  if (way === "monolithic" || way === "patch" || way === "chunks") return way;
  throw new Error(`no such way to push: ${way}`);
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  if (typeof value !== "object" || value === null) {
    throw new Error(`an object was expected, not ${typeof value}`);
  }
  return { ...value };
}

function text(from: Fields, key: string): string {
  const value = from[key];
  if (typeof value !== "string") {
    throw new Error(`${key} has to be text`);
  }
  return value;
}

function number(from: Fields, key: string): number {
  const value = from[key];
  if (typeof value !== "number") {
    throw new Error(`${key} has to be a number`);
  }
  return value;
}

function texts(from: Fields, key: string): readonly string[] {
  const value = from[key];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw new Error(`${key} has to be a list of texts`);
  }
  return value;
}
