/** What {@link SharedMemory.ask} found. */
export type Asked =
  /** The value is cached. */
  | { readonly value: string }
  /** Nothing is cached; the caller may fill the entry with its token. */
  | { readonly value: undefined; readonly leased: true }
  /** Nothing is cached, and another caller is reading or changing the value. */
  | { readonly value: undefined; readonly leased: false };

/**
 * The few atomic steps that shared caches are made of. Each rejects if it isn't known to have happened;
 * it may then have happened, or may still happen. Times in ms.
 */
export interface SharedMemory {
  /**
   * Reads the value under `key`. If there is none, `token` is put there for `lifetime`: the permission to fill it, which a
   * {@link block} or {@link drop} of the key revokes.
   */
  ask(key: string, token: string, lifetime: number): Promise<Asked>;
  /** Replaces `token` by `value` for the rest of its lifetime; does nothing if the token is gone. */
  fill(key: string, token: string, value: string): Promise<void>;
  /** Removes `token` if it is still there. */
  release(key: string, token: string): Promise<void>;
  /** Removes the entries of `keys`, and blocks them from being filled for `lifetime`. */
  block(keys: readonly string[], lifetime: number): Promise<void>;
  /** Removes whatever is under `keys`, including tokens and blocks. */
  drop(keys: readonly string[]): Promise<void>;
}

/** A cache of values that never change, so calls need no ordering. Each call rejects if it fails. */
export interface SharedValues {
  get(key: string): Promise<Buffer | undefined>;
  set(key: string, value: string | Uint8Array, lifetime: number): Promise<void>;
  remove(key: string): Promise<void>;
}
