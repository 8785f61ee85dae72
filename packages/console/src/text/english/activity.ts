import { formatCount } from "../../lib/bytes.js";

/** The texts of the page that shows what happens. */
export const activity = {
  search: "Filter repositories",
  kinds: "What to show",
  all: "All",
  kind: { push: "Pushes", pull: "Pulls", delete: "Deletes", copy: "Copies", "login-refused": "Refused logins" },
  did: { push: "pushed", pull: "pulled", delete: "deleted", copy: "copied", "login-refused": "login refused" },
  from: "from",
  tags: (pattern: string) => `tags ${pattern}`,
  you: "you",
  nobody: "no name",
  list: "What happened, newest first",
  state: {
    connecting: "Connecting",
    live: "Live",
    waiting: "The connection broke; trying again",
    failed: "Not connected",
  },
  pause: "Pause",
  resume: "Go on",
  paused: (waiting: number) => (waiting === 0 ? "Paused" : `Paused, ${formatCount(waiting)} more since`),
  missed: "Some events are missing here: the connection was away for too long.",
  nothing: "Nothing has happened since you opened this page.",
  nothingWhat:
    "Pushes, pulls and deletes of the repositories that you may pull appear here while they happen. What was before isn't kept.",
  nothingLike: "Nothing of that kind so far.",
  clear: "Show everything",
  most: (number: number) => `The latest ${formatCount(number)} are shown.`,
};
