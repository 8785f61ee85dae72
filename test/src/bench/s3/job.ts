import type { S3Server } from "@longshore/testkit/s3/server";

/** Where the SDK's load goes and what it does. */
export type SdkJob = SdkPush | SdkPull;

interface SdkPlace {
  readonly server: Pick<S3Server, "endpoint" | "region" | "accessKey" | "secretKey">;
  readonly bucket: string;
  readonly connections: number;
}

/** Objects of random bytes, in parts. */
interface SdkPush extends SdkPlace {
  readonly kind: "push";
  readonly size: number;
  readonly count: number;
}

/** Each object is read once to its end. */
interface SdkPull extends SdkPlace {
  readonly kind: "pull";
  readonly keys: readonly string[];
}

/** Reads what {@link SdkJob} became as JSON. Throws an Error where it is something else. */
export function parseSdkJob(text: string): SdkJob {
  const value: unknown = JSON.parse(text);
  const server = field(value, "server");
  const place: SdkPlace = {
    server: {
      endpoint: textField(server, "endpoint"),
      region: textField(server, "region"),
      accessKey: textField(server, "accessKey"),
      secretKey: textField(server, "secretKey"),
    },
    bucket: textField(value, "bucket"),
    connections: countField(value, "connections"),
  };
  const kind = textField(value, "kind");
  if (kind === "push") return { ...place, kind, size: countField(value, "size"), count: countField(value, "count") };
  const keys = field(value, "keys");
  if (kind !== "pull" || !Array.isArray(keys)) throw new Error("this is no job for the SDK");
  return { ...place, kind, keys: keys.map(String) };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) throw new Error(`the job has no ${name}`);
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

function textField(value: unknown, name: string): string {
  const found = field(value, name);
  if (typeof found !== "string") throw new Error(`the job's ${name} is no text`);
  return found;
}

function countField(value: unknown, name: string): number {
  const found = field(value, name);
  if (typeof found !== "number") throw new Error(`the job's ${name} is no number`);
  return found;
}
