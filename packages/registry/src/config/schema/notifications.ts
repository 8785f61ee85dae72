import { EVENT_FORMATS } from "../../event-formats/kinds.js";
import {
  duration,
  flag,
  headers,
  integer,
  list,
  positiveDuration,
  positiveInteger,
  secret,
  section,
  text,
  textList,
} from "@longshore/options/declare";
import { choiceOf } from "@longshore/options/kind";

const OURS = { ours: true };
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const endpoint = section(
  {
    name: text("The name in metrics and logs, under which its position in the outbox is stored too."),
    disabled: flag(false, "Disables this endpoint."),
    url: text("The URL that events are posted to (`http://` or `https://`)."),
    headers: headers("Headers added to each request.", { secret: true }),
    timeout: positiveDuration("1s", "Time limit for each request, including redirects; 0 means the default."),
    threshold: positiveInteger(10, {}, "Consecutive failures before delivery pauses; less than 1 means the default."),
    backoff: positiveDuration("1s", "How long it pauses then, plus up to a quarter; 0 means the default."),
    ignoredmediatypes: textList("Media types whose events are not sent."),
    ignore: section(
      {
        mediatypes: textList("Media types whose events are not sent."),
        actions: textList("Actions whose events are not sent: `push`, `pull`, `mount`, `delete`."),
      },
      "Events that are not sent.",
    ).prefault({}),
    format: choiceOf(EVENT_FORMATS, "v2", "The format of events.", OURS),
    secret: secret("Signs each request with a `Longshore-Signature` header (HMAC-SHA256).", OURS),
    maxage: duration(
      "0",
      "The age at which an undelivered event becomes a dead letter; 0 disables the limit.",
      { max: Infinity },
      OURS,
    ),
    maxattempts: integer(
      0,
      { min: 0 },
      "The number of attempts after which an event becomes a dead letter; 0 disables the limit.",
      OURS,
    ),
  },
  "An endpoint.",
);

const outbox = section(
  {
    durable: flag(
      true,
      "Keeps events on disk until they are delivered. Otherwise they are lost when the process stops, as in Distribution.",
    ),
    directory: text("The directory. Registries may share it: each uses a subdirectory of its own.", {
      file: "write",
      fallback: "`longshore/outbox` in the root directory of `storage.filesystem`, or in `/var/lib/registry`",
    }),
    maxbytes: integer(
      256 * MIB,
      { min: 16 * MIB, max: 1024 * GIB },
      "The maximum size of undelivered events; beyond that, the oldest become dead letters.",
    ),
    deadletterbytes: integer(
      64 * MIB,
      { min: MIB, max: 1024 * GIB },
      "The maximum size of dead letters; beyond that, the oldest are removed.",
    ),
  },
  "Stores events until they are delivered.",
  OURS,
).prefault({});

export const notifications = section(
  {
    events: section({ includereferences: flag(false, "Adds the descriptors that a manifest refers to.") }, "Events.", {
      env: "EVENTCONFIG",
    }).prefault({}),
    endpoints: list(endpoint, "The servers to notify of pushes, pulls, mounts and deletes.", { type: "list of maps" }),
    outbox,
  },
  "Notifications: an HTTP request to each endpoint for each push, pull, mount and delete.",
).prefault({});
