import type { Asked, SharedMemory } from "../../src/cache/shared-memory.js";

/** Mistakes that the protocol must not make, to prove that the model finds them. */
export interface Mistakes {
  /** Every reader fills, with or without permission. */
  readonly fillsAnyway?: boolean;
  /** A value's lifetime starts when it is filled, not before it is read. */
  readonly livesLonger?: boolean;
}

interface Entry {
  readonly text: string;
  readonly until: number;
}

/** The steps as Redis takes them, each atomic, on the clock `now`. */
export function createFakeMemory(now: () => number, mistakes: Mistakes = {}): SharedMemory {
  const entries = new Map<string, Entry>();
  const lifetimes = new Map<string, number>();
  const get = (key: string): Entry | undefined => {
    const entry = entries.get(key);
    return entry !== undefined && entry.until > now() ? entry : undefined;
  };
  return {
    ask(key, token, lifetime): Promise<Asked> {
      lifetimes.set(key, lifetime);
      const text = get(key)?.text;
      if (text === undefined) {
        entries.set(key, { text: `?${token}`, until: now() + lifetime });
        return Promise.resolve({ value: undefined, leased: true });
      }
      return Promise.resolve(text.startsWith("=") ? { value: text.slice(1) } : { value: undefined, leased: false });
    },
    fill(key, token, value) {
      const entry = get(key);
      const lifetime = lifetimes.get(key) ?? 0;
      const isPermitted = entry?.text === `?${token}` || mistakes.fillsAnyway === true;
      const until = mistakes.livesLonger === true ? now() + lifetime : (entry?.until ?? now() + lifetime);
      if (isPermitted) entries.set(key, { text: `=${value}`, until });
      return Promise.resolve();
    },
    release(key, token) {
      if (get(key)?.text === `?${token}`) entries.delete(key);
      return Promise.resolve();
    },
    block(keys, lifetime) {
      for (const key of keys) entries.set(key, { text: "!", until: now() + lifetime });
      return Promise.resolve();
    },
    drop(keys) {
      for (const key of keys) entries.delete(key);
      return Promise.resolve();
    },
  };
}
