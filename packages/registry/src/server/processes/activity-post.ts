import { Courier } from "../../activity/courier.js";
import type { ActivityEntry } from "../../activity/feed.js";
import type { RegistryActivity } from "../../activity/registry-activity.js";
import type { PrimaryMessage, WorkerMessage } from "./primary-channel.js";

type ActivityMessage = Extract<WorkerMessage, { kind: "activity" | "activity-follow" | "activity-taken" }>;

/** How long entries are collected for a worker (ms), and the most that wait for it. */
const GATHER = 10;
const MOST_WAITING = 2000;

/** The primary's side of what happens in all workers, for one of them. */
export interface ActivityPost {
  handle(message: ActivityMessage): void;
  /** Call when the worker has ended. */
  close(): void;
}

/** Opens a post over what happens in all workers; undefined: nobody may watch. */
export function openActivityPost(
  activity: RegistryActivity | undefined,
  tell: (message: PrimaryMessage) => void,
): ActivityPost {
  let following: { readonly courier: Courier<ActivityEntry>; leave(): void } | undefined;

  function follow(from: RegistryActivity): void {
    following?.leave();
    const courier = new Courier<ActivityEntry>({
      send({ items, hasGap }) {
        tell({ kind: "activity-entries", entries: items, hasGap });
        return true;
      },
      most: MOST_WAITING,
      gather: GATHER,
    });
    tell({ kind: "activity-remembered", entries: from.entries });
    const unfollow = from.follow({
      entries: (entries) => courier.add(entries),
      missed: () => courier.missed(),
      ended: () => undefined,
    });
    following = {
      courier,
      leave() {
        courier.close();
        unfollow();
      },
    };
  }

  return {
    handle(message) {
      if (activity === undefined) return;
      if (message.kind === "activity-taken") following?.courier.taken();
      else if (message.kind === "activity-follow") {
        if (message.isFollowing) follow(activity);
        else following?.leave();
      } else {
        if (message.hasGap) activity.missed();
        for (const event of message.events) activity.record(event);
        tell({ kind: "activity-taken" });
      }
    },
    close: () => following?.leave(),
  };
}
