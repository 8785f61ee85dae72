import { EVENT_FORMATS } from "../../notifications/events/body.js";
import { choice, duration, flag, headers, integer, list, secret, section, text, textList } from "./kit.js";

const OURS = { ours: true };
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const endpoint = section(
  {
    name: text("Its name in metrics and logs, and what its place in the outbox is kept under."),
    disabled: flag(false, "Leaves this endpoint out."),
    url: text("Where events are posted: `http://` or `https://`."),
    headers: headers("Headers of each request.", { secret: true }),
    timeout: duration("1s", "For each request, redirects included; 0: the default."),
    threshold: integer(10, {}, "Failures in a row before it waits; less than 1: the default."),
    backoff: duration("1s", "How long it waits then, and up to a quarter more; 0: the default."),
    ignoredmediatypes: textList("Media types whose events are left out."),
    ignore: section(
      {
        mediatypes: textList("Media types whose events are left out."),
        actions: textList("Actions that are left out: `push`, `pull`, `mount`, `delete`."),
      },
      "What is left out.",
    ).prefault({}),
    format: choice(
      EVENT_FORMATS,
      "v2",
      "What is sent: events as `registry:3` sends them (`v2`) or as `registry:2` does (`v1`), or a CloudEvent " +
        "(`cloudevents`: all of it in the body; `cloudevents-binary`: its attributes in headers).",
      OURS,
    ),
    secret: secret("Signs each request with a `Longshore-Signature` header (HMAC-SHA256).", OURS),
    maxage: duration(
      "0",
      "How old an event may get before it becomes a dead letter; 0: no limit.",
      { max: Infinity },
      OURS,
    ),
    maxattempts: integer(
      0,
      { min: 0 },
      "How often an event is sent before it becomes a dead letter; 0: no limit.",
      OURS,
    ),
  },
  "An endpoint.",
);

const outbox = section(
  {
    durable: flag(
      true,
      "Keeps events on disk until they are delivered. Otherwise they end with the process, as in the original.",
    ),
    directory: text("Where. Registries may share it: each takes a part of its own.", {
      fallback: "`longshore/outbox` in the root directory of `storage.filesystem`, or in `/var/lib/registry`",
    }),
    maxbytes: integer(
      256 * MIB,
      { min: 16 * MIB, max: 1024 * GIB },
      "Bytes of events that wait; when it is full the oldest become dead letters.",
    ),
    deadletterbytes: integer(64 * MIB, { min: MIB, max: 1024 * GIB }, "Bytes of dead letters; the oldest go."),
  },
  "Where events wait until they are delivered.",
  OURS,
).prefault({});

export const notifications = section(
  {
    events: section({ includereferences: flag(false, "Adds what a manifest refers to.") }, "Events.", {
      env: "EVENTCONFIG",
    }).prefault({}),
    endpoints: list(endpoint, "Who is told of pushes, pulls, mounts and deletes.", { type: "list of maps" }),
    outbox,
  },
  "Notifications: an HTTP request for each push, pull, mount and delete.",
).prefault({});
