import { z } from "zod";
import { parseAddress } from "../address.js";
import { choice, duration, flag, headers, integer, key, list, requiredText, section } from "./kit.js";

const interval = () => duration("10s", "Time between two checks; the first comes after one.");
const timeout = () => duration("0", "How long a check may take; 0: a minute.");
const threshold = () => integer(0, {}, "Failures in a row until unhealthy; less than 1 counts as 1.");

const successthreshold = () =>
  integer(
    1,
    { min: 1 },
    "Successes in a row until healthy again: more than 1 keeps a check that comes and goes from flapping.",
    {
      ours: true,
    },
  );

const statuscode = key(z.int().min(0).max(599).optional(), {
  meaning: "The status that is healthy.",
  type: "integer",
  allowed: "an HTTP status from 100 to 599",
  fallback: "200",
});

export const health = section(
  {
    gate: choice(
      ["probes", "all"],
      "probes",
      "What a failing check answers with 503: `probes` the paths that balancers look at (`/` and `/readyz`), `all` every request, as the original does.",
      { ours: true },
    ),
    storagedriver: section(
      {
        enabled: flag(false, "Checks that the storage answers."),
        interval: interval(),
        threshold: threshold(),
        successthreshold: successthreshold(),
      },
      "The storage.",
    ).prefault({}),
    file: list(
      section({ file: requiredText("Unhealthy while this file exists."), interval: interval() }, "A file."),
      "Files that take the registry out of service.",
      { env: "FILECHECKERS", type: "list of maps" },
    ),
    http: list(
      section(
        {
          uri: key(z.url({ protocol: /^https?$/ }), {
            meaning: "The URL that gets a HEAD request.",
            type: "URL",
            allowed: "a URL that begins with http:// or https://",
          }),
          headers: headers("Headers of the request.", { secret: true }),
          statuscode,
          timeout: timeout(),
          interval: interval(),
          threshold: threshold(),
          successthreshold: successthreshold(),
        },
        "A server.",
      ),
      "HTTP servers that this registry needs.",
      { env: "HTTPCHECKERS", type: "list of maps" },
    ),
    tcp: list(
      section(
        {
          addr: key(
            z.string().refine((value) => parseAddress(value)?.host !== undefined),
            {
              meaning: "What must accept a connection.",
              type: "host:port",
              allowed: "host:port, such as db.example:5432",
            },
          ),
          timeout: timeout(),
          interval: interval(),
          threshold: threshold(),
          successthreshold: successthreshold(),
        },
        "A port.",
      ),
      "TCP ports that this registry needs.",
      { env: "TCPCHECKERS", type: "list of maps" },
    ),
  },
  "Health checks: while one fails the registry isn't ready, and `/debug/health` says why. `gate` decides what else is answered with 503.",
).prefault({});
