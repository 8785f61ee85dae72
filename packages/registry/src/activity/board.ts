import { randomBytes } from "node:crypto";
import type { ActivityEntry, ActivityFeed, FeedEnd, Follower, NamedEvent } from "./feed.js";

/** How long events are remembered after the last viewer left (ms): one whose connection broke comes back within seconds. */
const LINGER = 60_000;

/** What a board is made with. */
export interface BoardOptions {
  /** The most events that are remembered. */
  readonly most: number;
  /** Told when somebody begins to watch, and when nobody has for a while. */
  readonly onWatched?: ((isWatched: boolean) => void) | undefined;
  /** ms. */
  readonly linger?: number;
}

/**
 * The latest events of a registry, in their order, and who follows them. It is empty and takes nothing in while nobody watches, which
 * `isWatched` says beforehand.
 */
export class ActivityBoard implements ActivityFeed {
  readonly #options: BoardOptions;
  /** Part of each place: another board, of another replica, may have the same events in another order. */
  readonly #name = randomBytes(6).toString("base64url");
  readonly #followers = new Set<Follower>();
  #entries: ActivityEntry[] = [];
  #isWatched = false;
  #leaving: NodeJS.Timeout | undefined;
  #end: FeedEnd | undefined;

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  get isWatched(): boolean {
    return this.#isWatched;
  }

  get latest(): string | undefined {
    return this.#entries.at(-1)?.id;
  }

  /** What is remembered, oldest first. */
  get entries(): readonly ActivityEntry[] {
    return this.#entries;
  }

  /** Gives events their places, after all others. */
  add(events: readonly NamedEvent[]): void {
    if (!this.#isWatched) return;
    this.accept(events.map(({ name, event }) => ({ id: `${name}.${this.#name}`, event })));
  }

  /** Takes in what has a place already. */
  accept(entries: readonly ActivityEntry[]): void {
    const { most } = this.#options;
    this.#entries.push(...entries);
    if (this.#entries.length > most) this.#entries.splice(0, this.#entries.length - most);
    for (const follower of this.#followers) follower.entries(entries);
  }

  /** What was remembered elsewhere, which nobody here is told of. */
  restore(entries: readonly ActivityEntry[]): void {
    this.#entries = [...entries];
  }

  /** Some events never got here: nobody can go on from before that. */
  missed(): void {
    this.#entries = [];
    for (const follower of this.#followers) follower.missed();
  }

  follow(follower: Follower, after?: string): () => void {
    if (this.#end !== undefined) {
      follower.ended(this.#end);
      return () => undefined;
    }
    clearTimeout(this.#leaving);
    this.#followers.add(follower);
    if (!this.#isWatched) this.#watch(true);
    if (after !== undefined) this.#replay(follower, after);
    return () => {
      if (this.#followers.delete(follower) && this.#followers.size === 0) this.#leave();
    };
  }

  /** Ends all viewers, and admits no more. */
  end(reason: FeedEnd): void {
    this.#end = reason;
    clearTimeout(this.#leaving);
    for (const follower of [...this.#followers]) follower.ended(reason);
    this.#followers.clear();
    if (this.#isWatched) this.#watch(false);
  }

  #replay(follower: Follower, after: string): void {
    const at = this.#entries.findLastIndex(({ id }) => id === after);
    if (at < 0) follower.missed();
    const rest = this.#entries.slice(at + 1);
    if (rest.length > 0) follower.entries(rest);
  }

  #leave(): void {
    this.#leaving = setTimeout(() => this.#watch(false), this.#options.linger ?? LINGER).unref();
  }

  #watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    if (!isWatched) this.#entries = [];
    this.#options.onWatched?.(isWatched);
  }
}
