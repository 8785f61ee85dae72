/** Something that has to be closed when it is no longer needed. */
interface Closable {
  close(): void | Promise<void>;
}

/**
 * Opened resources, to be closed in reverse order: Node has `AsyncDisposableStack` for this from version 24 on.
 *
 * A function that opens several things begins with `await using opened = new Resources()`, adds each of them, and ends with
 * `opened.move()`, whose `close` it hands to its caller. If a step fails, what was opened before it is closed.
 */
export class Resources implements AsyncDisposable {
  readonly #closers: (() => void | Promise<void>)[] = [];

  /** Closes `resource` with the others; does nothing for undefined. Returns it. */
  add<T extends Closable | undefined>(resource: T): T {
    if (resource !== undefined) this.defer(() => resource.close());
    return resource;
  }

  /** Calls `close` with the others. */
  defer(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  /** Transfers everything to the returned instance: closing this one then does nothing. */
  move(): Resources {
    const moved = new Resources();
    moved.#closers.push(...this.#closers.splice(0));
    return moved;
  }

  /** Closes everything, even if some of it fails. Throws the first failure. Idempotent. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
