import { signal } from "@preact/signals";
import { readSession, type Session } from "../api/session.js";
import { failureOf, type Resource } from "./resource.js";

/** Who is looking. Read once at the start, and again after a login or a log-out. */
export const session = signal<Resource<Session>>({ state: "loading" });

export async function refreshSession(): Promise<void> {
  try {
    session.value = { state: "done", value: await readSession() };
  } catch (error) {
    session.value = { state: "failed", failure: failureOf(error) };
  }
}

/** Who is looking; undefined until that is known. */
export function currentSession(): Session | undefined {
  return session.value.state === "done" ? session.value.value : undefined;
}

/** The registry as it stands in an image's name: as it is configured, or where this page is. */
export function registryAddress(): string {
  const host = currentSession()?.host ?? "";
  return host === "" ? location.host : host;
}
