import { randomBytes } from "node:crypto";
import { ActivityBoard } from "./board.js";
import type { ActivityEvent } from "./event.js";
import type { Activity, ActivityEntry, FeedEnd, Follower } from "./feed.js";
import type { ExchangeListener, ReplicaExchange } from "./replica-exchange.js";

/** What a {@link RegistryActivity} is made with. */
export interface RegistryActivityOptions {
  /** The most events that are remembered while somebody watches here. */
  readonly most: number;
  /** How long they are after that (ms). */
  readonly linger?: number | undefined;
}

/** What happens in all processes of a registry, for who watches here, and in the other replicas, if there are any. */
export class RegistryActivity implements Activity {
  readonly #board: ActivityBoard;
  #exchange: ReplicaExchange | undefined;
  #isWatchedHere = false;
  #isWatchedElsewhere = false;
  #wasWatched = false;
  #tell: (isWatched: boolean) => void = () => undefined;

  constructor({ most, linger }: RegistryActivityOptions) {
    this.#board = new ActivityBoard({
      most,
      ...(linger === undefined ? {} : { linger }),
      onWatched: (isWatched) => {
        this.#isWatchedHere = isWatched;
        this.#exchange?.watch(isWatched);
        this.#noteWatched();
      },
    });
  }

  /** Whether anybody watches, here or at another replica. */
  get isWatched(): boolean {
    return this.#isWatchedHere || this.#isWatchedElsewhere;
  }

  get latest(): string | undefined {
    return this.#board.latest;
  }

  /** What is remembered, oldest first. */
  get entries(): readonly ActivityEntry[] {
    return this.#board.entries;
  }

  /** Calls `listener` whenever `isWatched` changes. */
  onWatched(listener: (isWatched: boolean) => void): void {
    this.#tell = listener;
  }

  /** Tells other replicas from now on of what happens here, and shows here what happens there. */
  share(open: (listener: ExchangeListener) => ReplicaExchange): ReplicaExchange {
    const exchange = open({
      happened: (events) => this.#board.add(events),
      missed: () => this.#board.missed(),
      watched: (isWatched) => {
        this.#isWatchedElsewhere = isWatched;
        this.#noteWatched();
      },
    });
    this.#exchange = exchange;
    if (this.#isWatchedHere) exchange.watch(true);
    return exchange;
  }

  record(event: ActivityEvent): void {
    if (!this.isWatched) return;
    const named = { name: randomBytes(9).toString("base64url"), event };
    this.#board.add([named]);
    this.#exchange?.tell(named);
  }

  /** Some events of this registry never got here. */
  missed(): void {
    this.#board.missed();
    this.#exchange?.missed();
  }

  follow(follower: Follower, after?: string): () => void {
    return this.#board.follow(follower, after);
  }

  end(reason: FeedEnd): void {
    this.#board.end(reason);
  }

  flush(): void {
    this.#exchange?.flush();
  }

  #noteWatched(): void {
    if (this.isWatched === this.#wasWatched) return;
    this.#wasWatched = this.isWatched;
    this.#tell(this.isWatched);
  }
}
