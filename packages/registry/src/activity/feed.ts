import type { ActivityEvent } from "./event.js";

/** An event with its name, which is the same in all replicas. */
export interface NamedEvent {
  readonly name: string;
  readonly event: ActivityEvent;
}

/** An event with its place in an order of all. */
export interface ActivityEntry {
  /** Names the place, and says nothing else: not even how many came before. The event's name, a dot, and the order's. */
  readonly id: string;
  readonly event: ActivityEvent;
}

/** Why a viewer is told of nothing more. */
export type FeedEnd = "shutdown";

/** Whoever is told of events. Its methods don't throw. */
export interface Follower {
  entries(entries: readonly ActivityEntry[]): void;
  /** Some events were lost on the way here. */
  missed(): void;
  ended(reason: FeedEnd): void;
}

/** Where what happens is written down. */
export interface ActivitySink {
  /** False: nobody watches. What is recorded anyway is lost. */
  readonly isWatched: boolean;
  record(event: ActivityEvent): void;
}

/** Where what happens can be seen. */
export interface ActivityFeed {
  /** Tells of everything from now on, and before that of what came after the place `after`. Returns how to leave. */
  follow(follower: Follower, after?: string): () => void;
  /** The place of the latest event; undefined: none is known. */
  readonly latest: string | undefined;
}

/** What a process that serves has of both. */
export interface Activity extends ActivitySink, ActivityFeed {
  /** Ends all viewers, and admits no more. What happens is still told elsewhere. */
  end(reason: FeedEnd): void;
  /** Hands over at once what is collected for others. */
  flush(): void;
}
