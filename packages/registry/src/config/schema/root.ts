import { z } from "zod";
import { access } from "./access.js";
import { auth } from "./auth.js";
import { health } from "./health.js";
import { http } from "./http.js";
import { key, section } from "./kit.js";
import { compatibility, proxy, reporting } from "./later.js";
import { catalog, policy, tags, validation } from "./limits.js";
import { log, loglevel } from "./log.js";
import { notifications } from "./notifications.js";
import { middleware } from "./middleware.js";
import { redis } from "./redis.js";
import { storage } from "./storage.js";

const version = key(z.string().regex(/^0\.1$/), {
  meaning: "The version of this format.",
  type: "`0.1`",
  allowed: "0.1 (required)",
});

/** Every key of config.yml: of `registry:3`, of `registry:2`, and ours. */
export const root = section(
  {
    version,
    log,
    loglevel,
    storage,
    auth,
    access,
    http,
    health,
    catalog,
    tags,
    validation,
    policy,
    middleware,
    notifications,
    proxy,
    redis,
    compatibility,
    reporting,
  },
  "config.yml of a registry.",
);

export type ParsedConfig = z.output<typeof root>;
