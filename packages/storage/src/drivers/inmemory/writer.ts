import type { FileWriter } from "../../contract/driver.js";
import type { FileNode } from "./tree.js";

/** What a writer needs of its driver. */
export interface WriterHost {
  /** Removes the file that this writer created or continued, if it is still at its path. */
  readonly remove: () => void;
  readonly fail: (operation: string, cause: Error) => Error;
}

/** A writer at the end of `file`. Like a file descriptor it stays with the file, even if that is moved. */
export function createInMemoryWriter(file: FileNode, host: WriterHost): FileWriter {
  let state: "open" | "closed" | "committed" | "cancelled" = "open";

  const needOpen = (operation: string): void => {
    if (state !== "open") throw host.fail(operation, new Error(`the writer is already ${state}`));
  };

  return {
    get size() {
      return file.content.size;
    },
    write: async (chunk, options) => {
      needOpen("write");
      options?.signal?.throwIfAborted();
      file.content.append(chunk);
      file.modified = new Date();
      return Promise.resolve();
    },
    close: async (options) => {
      options?.signal?.throwIfAborted();
      if (state === "open") state = "closed";
      return Promise.resolve();
    },
    commit: async (options) => {
      needOpen("commit");
      options?.signal?.throwIfAborted();
      state = "committed";
      return Promise.resolve();
    },
    cancel: async (options) => {
      if (state === "cancelled") return;
      if (state !== "open") needOpen("cancel");
      options?.signal?.throwIfAborted();
      state = "cancelled";
      host.remove();
      return Promise.resolve();
    },
  };
}
