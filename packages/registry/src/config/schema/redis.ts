import { z } from "zod";
import { duration, flag, integer, key, secret, section, text, textList } from "./kit.js";

/** Go's client takes -1 and less for "none"; 0 is the default everywhere. */
const time = (meaning: string) => duration("0", meaning, { min: -1, max: Infinity });

const number = (meaning: string) => integer(0, {}, meaning);

const WITHOUT_EFFECT = "Without effect:";

const protocol = key(z.union([z.literal(0), z.literal(2), z.literal(3)]).default(0), {
  meaning: "The version of Redis's protocol; 0: 3, or 2 where the server is older.",
  type: "integer",
  allowed: "0, 2 or 3",
  fallback: "0",
});

const ONE_CONNECTION = "each process has one connection, over which commands don't wait for each other.";
const NO_RETRY = "a command that fails isn't made again, since the storage answers.";
const MASTERS = "replicas of Redis lag behind, so only masters are asked.";

export const redis = section(
  {
    addrs: textList(
      "`host:port` of the server; of several nodes: of a cluster; with `mastername`: of sentinels. Without any there is no Redis.",
    ),
    addr: text("The one address (`registry:2`); ignored beside `addrs`."),
    username: text("The user (ACL)."),
    password: secret("The user's password."),
    db: integer(0, { min: 0, max: 1_000_000 }, "The number of the database. A cluster has only 0."),
    mastername: text("The name of the master that the sentinels at `addrs` watch."),
    sentinelusername: text("The user at the sentinels."),
    sentinelpassword: secret("The password at the sentinels."),
    clientname: text("How connections are called in `CLIENT LIST`."),
    identitysuffix: text("Added to the name of the client library in `CLIENT LIST`."),
    disableidentity: flag(false, "Doesn't tell Redis the client library's name."),
    disableindentity: flag(false, "An older spelling of `disableidentity`."),
    protocol,
    dialtimeout: time("For connecting; 0: 5s."),
    readtimeout: time(
      "How long Redis may take to answer before the storage is asked instead; 0: 100ms (in the original 3s).",
    ),
    writetimeout: time("Counts where `readtimeout` isn't given: one time is for a command and its answer."),
    minretrybackoff: time("The first pause between two attempts to connect, doubled each time; 0: 100ms."),
    maxretrybackoff: time("The longest such pause; 0: 2s."),
    maxredirects: number("How often nodes of a cluster may send a command elsewhere; 0: 3."),
    maxretries: number(`${WITHOUT_EFFECT} ${NO_RETRY}`),
    poolsize: number(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    minidleconns: number(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    maxidleconns: number(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    maxactiveconns: number(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    pooltimeout: time(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    connmaxidletime: time(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    connmaxlifetime: time(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    poolfifo: flag(false, `${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
    contexttimeoutenabled: flag(false, `${WITHOUT_EFFECT} every command has a time limit.`),
    readonly: flag(false, `${WITHOUT_EFFECT} ${MASTERS}`),
    routebylatency: flag(false, `${WITHOUT_EFFECT} ${MASTERS}`),
    routerandomly: flag(false, `${WITHOUT_EFFECT} ${MASTERS}`),
    unstableresp3: flag(false, `${WITHOUT_EFFECT} no such command is used.`),
    tls: section(
      {
        enabled: flag(false, "TLS with the system's certificate authorities (`registry:2`)."),
        certificate: text("PEM file with the client's certificate."),
        key: text("PEM file with its key."),
        rootcas: textList("PEM files of the certificate authorities that Redis's certificate is checked against."),
        clientcas: textList("An older name of `rootcas`."),
      },
      "TLS to Redis, and to sentinels. Any of these keys turns it on.",
    ).prefault({}),
    pool: section(
      {
        maxidle: number(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
        maxactive: number(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
        idletimeout: time(`${WITHOUT_EFFECT} ${ONE_CONNECTION}`),
      },
      "Connections (`registry:2`).",
    ).prefault({}),
  },
  "Redis, for `storage.cache.blobdescriptor: redis`: what replicas remember together. Nothing happens without an address.",
  { envInline: "OPTIONS" },
).prefault({});
