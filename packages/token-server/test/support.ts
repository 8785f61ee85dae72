import type { AuthLog } from "@longshore/auth";
import type { LoginContext, Records, SourcePorts, StoredRecord } from "../src/contract.js";

/** A log that a test can read. */
export interface RecordedLog extends AuthLog {
  readonly lines: string[];
}

/** Keeps each line with its fields as JSON. */
export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const add = (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { lines, error: add, warn: add, info: add };
}

/** Records in memory: a stand-in for the registry's storage, with the same conditions. */
export function memoryRecords(): Records & { readonly all: Map<string, StoredRecord> } {
  const all = new Map<string, StoredRecord>();
  let versions = 0;
  const store = (name: string, value: Uint8Array): true => {
    versions += 1;
    all.set(name, { value: Uint8Array.from(value), version: String(versions) });
    return true;
  };
  return {
    all,
    read: (name) => Promise.resolve(all.get(name)),
    create: (name, value) => Promise.resolve(!all.has(name) && store(name, value)),
    replace: (name, value, version) => Promise.resolve(all.get(name)?.version === version && store(name, value)),
    remove(name) {
      all.delete(name);
      return Promise.resolve();
    },
    async *list(folder) {
      for (const name of [...all.keys()].sort()) {
        if (name.startsWith(`${folder}/`)) yield await Promise.resolve(name);
      }
    },
  };
}

/** Ports with a log and records of their own, and the system's clock unless told. */
export function sourcePorts(over: Partial<SourcePorts> = {}): SourcePorts & { readonly log: RecordedLog } {
  const names = { secret: "a secret for the tests", anonymousRules: false, service: "registry" };
  return { clock: Date.now, records: memoryRecords(), ...names, ...over, log: recordedLog() };
}

/** A login from a client that doesn't go away. */
export function loginContext(over: Partial<LoginContext> = {}): LoginContext {
  return { remoteAddress: "192.0.2.1", service: "registry", signal: new AbortController().signal, ...over };
}
