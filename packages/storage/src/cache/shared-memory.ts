/** What {@link SharedMemory.ask} found. */
export type Asked =
  /** The value is remembered. */
  | { readonly value: string }
  /** Nothing is; the caller may put a value there with its token. */
  | { readonly value: undefined; readonly leased: true }
  /** Nothing is, and somebody else reads it or changes it at the moment. */
  | { readonly value: undefined; readonly leased: false };

/**
 * The few atomic steps that caches of several processes are made of. Each rejects where it can't be known to have happened;
 * it may then have happened, or happen later. Times in ms.
 */
export interface SharedMemory {
  /**
   * The value under `key`. Where there is nothing, `token` is put there for `lifetime`: the permission to fill it, which a
   * {@link block} or {@link drop} of the key takes back.
   */
  ask(key: string, token: string, lifetime: number): Promise<Asked>;
  /** Puts `value` in the place of `token`, for what is left of its time; does nothing where the token is gone. */
  fill(key: string, token: string, value: string): Promise<void>;
  /** Takes `token` away, where it is there. */
  release(key: string, token: string): Promise<void>;
  /** Takes away whatever is under `keys`, and lets nobody put anything there for `lifetime`. */
  block(keys: readonly string[], lifetime: number): Promise<void>;
  /** Takes away whatever is under `keys`, tokens and blocks included. */
  drop(keys: readonly string[]): Promise<void>;
}

/** Values that never change: there is nothing to keep in order. Each call rejects where it failed. */
export interface SharedValues {
  get(key: string): Promise<Buffer | undefined>;
  set(key: string, value: string | Uint8Array, lifetime: number): Promise<void>;
  remove(key: string): Promise<void>;
}
