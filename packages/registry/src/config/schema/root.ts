import { PROXY_SECTION as proxy } from "@longshore/mirror/configuration";
import { z } from "zod";
import { tokenServerSection as tokenserver } from "@longshore/token-server/configuration";
import { access } from "./access.js";
import { activity } from "./activity.js";
import { console } from "./console.js";
import { auth } from "./auth.js";
import { health } from "./health.js";
import { http } from "./http.js";
import { key, section } from "@longshore/options/declare";
import { compatibility, reporting } from "./unsupported.js";
import { policy, validation } from "./validation.js";
import { catalog, tags } from "./catalog-and-tags.js";
import { inventory } from "./inventory.js";
import { log, loglevel } from "./log.js";
import { notifications } from "./notifications.js";
import { middleware } from "./middleware.js";
import { redis } from "./redis.js";
import { storage } from "./storage.js";

const version = key(z.string().regex(/^0\.1$/), {
  meaning: "The version of the file format.",
  type: "`0.1`",
  allowed: "0.1",
});

/** Every key of config.yml: those of `registry:3` and `registry:2`, and our own. */
export const root = section(
  {
    version,
    log,
    loglevel,
    storage,
    auth,
    access,
    tokenserver,
    http,
    console,
    health,
    catalog,
    inventory,
    activity,
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
