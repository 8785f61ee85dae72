import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ApiFailure } from "../api/failure.js";
import { failureOf } from "./resource.js";

/** What is known of something that changes by itself: the latest value stays while it can't be read again. */
export interface Latest<T> {
  readonly value: T | undefined;
  readonly failure: ApiFailure | undefined;
  readonly reload: () => void;
}

/** Reads something now, and again `interval` ms after each answer. */
export function useLatest<T>(read: (signal: AbortSignal) => Promise<T>, interval: number): Latest<T> {
  const value = useSignal<T | undefined>(undefined);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const turn = useSignal(0);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async (): Promise<void> => {
      try {
        value.value = await read(controller.signal);
        failure.value = undefined;
      } catch (error) {
        if (controller.signal.aborted) return;
        failure.value = failureOf(error);
      }
      timer = setTimeout(() => void once(), interval);
    };
    void once();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [read, interval, turn.value]);
  return { value: value.value, failure: failure.value, reload: () => (turn.value += 1) };
}
