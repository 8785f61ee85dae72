import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { ApiFailure } from "../api/failure.js";
import { loginWanted } from "./login-wanted.js";

/** Something that is being read, has been read, or can't be. */
export type Resource<T> =
  | { readonly state: "loading" }
  | { readonly state: "done"; readonly value: T }
  | { readonly state: "failed"; readonly failure: ApiFailure };

const LOADING: Resource<never> = { state: "loading" };

/** What went wrong, as something that the page can explain. */
export function failureOf(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) {
    if (error.kind === "login") loginWanted.value = true;
    return error;
  }
  return new ApiFailure("unexpected", 0, error instanceof Error ? error.message : String(error));
}

/** Reads something when `key` changes; whatever was asked before is cancelled. */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
): { readonly resource: ReadonlySignal<Resource<T>>; readonly reload: () => void } {
  const resource = useSignal<Resource<T>>(LOADING);
  const turn = useSignal(0);
  // Asked for before the browser paints, so that the answer comes meanwhile.
  useLayoutEffect(() => {
    const controller = new AbortController();
    resource.value = LOADING;
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) resource.value = { state: "done", value };
      },
      (error: unknown) => {
        if (!controller.signal.aborted) resource.value = { state: "failed", failure: failureOf(error) };
      },
    );
    return () => controller.abort();
    // `load` is a new function at each rendering; `key` says when it means something else.
  }, [key, turn.value]);
  return { resource, reload: () => (turn.value += 1) };
}
