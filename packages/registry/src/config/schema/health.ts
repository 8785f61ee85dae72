import { choice, section } from "@longshore/options/declare";
import { HEALTH_CHECK_KINDS } from "../../health/kinds.js";

const checks = Object.fromEntries(HEALTH_CHECK_KINDS.map(({ name, schema }) => [name, schema]));

export const health = section(
  {
    gate: choice(
      ["probes", "all"],
      "probes",
      "Which requests get a 503 while a check fails: `probes` means the paths that balancers check (`/` and `/readyz`), `all` every request, as in Distribution.",
      { ours: true },
    ),
    ...checks,
  },
  "Health checks. While one fails, the registry isn't ready, and `/debug/health` says why. `gate` decides which other requests get a 503.",
).prefault({});
