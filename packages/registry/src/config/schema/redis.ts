import { z } from "zod";
import {
  duration,
  flag,
  integer,
  key,
  type KeyInfo,
  secret,
  section,
  text,
  textList,
  unused,
} from "@longshore/options/declare";

/** Go's client takes -1 and less as "none"; 0 always means the default. */
const time = (meaning: string, extra: Partial<KeyInfo> = {}) =>
  duration("0", meaning, { min: -1, max: Infinity }, extra);

const number = (meaning: string, extra: Partial<KeyInfo> = {}) => integer(0, {}, meaning, extra);

const protocol = key(z.union([z.literal(0), z.literal(2), z.literal(3)]).default(0), {
  meaning: "The version of Redis's protocol; 0 means 3, or 2 for older servers.",
  type: "integer",
  allowed: "0, 2 or 3",
  fallback: "0",
});

const ONE_CONNECTION = "each process has one connection, on which commands are pipelined";
const NO_RETRY = "a failed command isn't retried, because the storage has the answer too";
const MASTERS = "replicas lag behind, so only masters are used";

export const redis = section(
  {
    addrs: textList(
      "`host:port` of the server, of several nodes of a cluster, or (with `mastername`) of sentinels. Without addresses, Redis isn't used.",
      { aliases: ["host", "hosts", "server", "servers", "nodes", "url", "endpoint", "endpoints"] },
    ),
    addr: text("A single address (`registry:2`); ignored if `addrs` is set."),
    username: text("The user (ACL).", { aliases: ["user"] }),
    password: secret("The user's password."),
    db: integer(0, { min: 0, max: 1_000_000 }, "The number of the database. A cluster only has 0.", {
      aliases: ["database"],
    }),
    mastername: text("The name of the master that the sentinels at `addrs` watch.", {
      aliases: ["sentinelmasterset", "sentinelmaster", "sentinelmastername", "masterset", "master"],
    }),
    sentinelusername: text("The user for the sentinels."),
    sentinelpassword: secret("The password for the sentinels."),
    clientname: text("The name of connections in `CLIENT LIST`."),
    identitysuffix: text("Added to the name of the client library in `CLIENT LIST`."),
    disableidentity: flag(false, "Doesn't send the client library's name to Redis."),
    disableindentity: flag(false, "An older spelling of `disableidentity`."),
    protocol,
    dialtimeout: time("Time limit for connecting; 0 means 5s."),
    readtimeout: time(
      "How long Redis may take to respond before the storage is used instead; 0 means 100ms (in Distribution, 3s).",
    ),
    writetimeout: time("Used if `readtimeout` isn't set: the same limit covers a command and its reply."),
    minretrybackoff: time("The first pause between two attempts to connect, doubled each time; 0 means 100ms."),
    maxretrybackoff: time("The longest such pause; 0 means 2s."),
    maxredirects: number("How often nodes of a cluster may redirect a command; 0 means 3."),
    maxretries: number(...unused(NO_RETRY)),
    poolsize: number(...unused(ONE_CONNECTION)),
    minidleconns: number(...unused(ONE_CONNECTION)),
    maxidleconns: number(...unused(ONE_CONNECTION)),
    maxactiveconns: number(...unused(ONE_CONNECTION)),
    pooltimeout: time(...unused(ONE_CONNECTION)),
    connmaxidletime: time(...unused(ONE_CONNECTION)),
    connmaxlifetime: time(...unused(ONE_CONNECTION)),
    poolfifo: flag(false, ...unused(ONE_CONNECTION)),
    contexttimeoutenabled: flag(false, ...unused("every command has a time limit")),
    readonly: flag(false, ...unused(MASTERS)),
    routebylatency: flag(false, ...unused(MASTERS)),
    routerandomly: flag(false, ...unused(MASTERS)),
    unstableresp3: flag(false, ...unused("no such command is used")),
    tls: section(
      {
        enabled: flag(false, "Enables TLS with the system's certificate authorities (`registry:2`)."),
        certificate: text("PEM file with the client's certificate.", { file: "read" }),
        key: text("PEM file with its key.", { file: "read" }),
        rootcas: textList("PEM files with the certificate authorities for Redis's certificate.", { file: "read" }),
        clientcas: textList("An older name of `rootcas`.", { file: "read" }),
      },
      "TLS to Redis and to sentinels. Any of these keys enables it.",
    ).prefault({}),
    pool: section(
      {
        maxidle: number(...unused(ONE_CONNECTION)),
        maxactive: number(...unused(ONE_CONNECTION)),
        idletimeout: time(...unused(ONE_CONNECTION)),
      },
      "Connections (`registry:2`).",
    ).prefault({}),
  },
  "Redis, which replicas share: for a cache (`storage.cache.blobdescriptor: redis`), for limits (`policy.ratelimit`), and for viewers of activity. No effect without an address.",
  { envInline: "OPTIONS" },
).prefault({});
