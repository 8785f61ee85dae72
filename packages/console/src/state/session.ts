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

/** The registry's address as it stands in an image's name: the one it is configured with, or that of this page. */
export function registryAddress(): string {
  return session.value.state === "done" ? session.value.value.address : location.host;
}
