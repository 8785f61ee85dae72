import { setMaxListeners } from "node:events";
import type { Gate } from "../shared/gate.js";

/** Runs all `tasks`, as many concurrently as `gate` admits. The first failure aborts the others, and is thrown when they have ended. */
export async function runAll(
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
  gate: Gate,
  signal: AbortSignal | undefined,
): Promise<void> {
  const controller = new AbortController();
  // One for each task that `gate` admits.
  setMaxListeners(0, controller.signal);
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", onAbort, { once: true });
  let failure: { readonly error: unknown } | undefined;
  const running = new Set<Promise<void>>();

  const run = async (task: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    try {
      await task(controller.signal);
    } catch (error) {
      failure ??= { error };
      controller.abort(error);
    } finally {
      gate.leave();
    }
  };

  try {
    for (const task of tasks) {
      if (!gate.tryEnter()) await gate.enter(controller.signal);
      if (controller.signal.aborted) {
        gate.leave();
        break;
      }
      const running_ = run(task);
      running.add(running_);
      void running_.finally(() => running.delete(running_));
    }
  } catch (error) {
    failure ??= { error };
  } finally {
    await Promise.all(running);
    signal?.removeEventListener("abort", onAbort);
  }
  signal?.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}
