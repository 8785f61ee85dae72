import { isNetwork } from "@longshore/base/network";
import {
  duration,
  flag,
  integer,
  key,
  list,
  positiveDuration,
  positiveInteger,
  secret,
  section,
  text,
  textList,
} from "@longshore/options/declare";
import { refuse } from "@longshore/options/kind";
import { z } from "zod";

const OURS = { ours: true };
const SECOND = 1000;

const exec = section(
  {
    command: text(
      "One executable that speaks the protocol of docker-credential-helpers. It is run as `<command> get`, without a shell.",
    ),
    lifetime: key(duration("0", "").optional(), {
      meaning: "How long an answer is used; 0: for one request. Without it: until the process ends.",
      type: "duration",
      allowed: "a duration such as 30s or 11h",
    }),
  },
  "A program that supplies the credentials. It takes precedence over `username` and `password`.",
);

const tls = section(
  {
    ca: textList("PEM files of certificate authorities that are trusted, in addition to the system's.", {
      file: "read",
    }),
    certificate: text("PEM file of a client certificate, for an upstream that asks for one.", { file: "read" }),
    key: text("PEM file of its key.", { file: "read" }),
    insecure: flag(
      false,
      "Accepts any certificate of the upstream's own host. Anyone on the network path can read the password.",
    ),
  },
  "TLS towards the upstream.",
  OURS,
).prefault({});

const network = key(z.string().refine(isNetwork, "not an address or a network"), {
  meaning: "",
  type: "text",
  allowed: "an address or a network, such as 10.0.0.0/8",
});

const redirects = section(
  {
    networks: list(
      network,
      "Private networks that the upstream's redirects and token services may be in. An upstream at a private " +
        "address may always lead to other private addresses; likewise for loopback addresses.",
      { type: "list of strings" },
    ),
  },
  "Where the upstream may lead.",
  OURS,
).prefault({});

/** How one upstream is reached: the keys that `proxy` and each of `proxy.upstreams` share. */
export const UPSTREAM_OPTIONS = {
  remoteurl: text("The upstream: `https://host`, with a port or a path if needed; `http://` isn't encrypted."),
  username: text("The user at the upstream. Anyone who may pull here gets whatever this user may pull there."),
  password: secret("Its password."),
  exec: exec.optional(),
  realms: textList(
    "Hosts of token services that may receive the password although they are outside the upstream's registrable domain.",
    OURS,
  ),
  redirects,
  tls,
  connections: positiveInteger(32, { max: 1024 }, "Concurrent connections to each host.", OURS),
  connecttimeout: positiveDuration("5s", "How long a connection may take.", { max: 300 * SECOND }, OURS),
  timeout: positiveDuration(
    "30s",
    "How long a response may take: until its headers have arrived, or all of it if it is small.",
    { max: 3600 * SECOND },
    OURS,
  ),
  idletimeout: positiveDuration(
    "60s",
    "How long a blob's download may stall before it is resumed.",
    { max: 3600 * SECOND },
    OURS,
  ),
  retries: integer(3, { min: 0, max: 20 }, "Retries after the first attempt.", OURS),
};

/** {@link UPSTREAM_OPTIONS} as they were read. */
export type UpstreamOptions = z.output<z.ZodObject<typeof UPSTREAM_OPTIONS>>;

const schema = z.object(UPSTREAM_OPTIONS);

/** How a registry is reached of which nothing is configured: without a user. */
export function defaultUpstreamOptions(remoteurl: string): UpstreamOptions & { readonly remoteurl: string } {
  return { ...schema.parse({}), remoteurl };
}

/** Reports what no option alone can tell; `at` is the section of the options, for messages. */
export function checkUpstreamOptions(options: UpstreamOptions, context: z.core.$RefinementCtx): void {
  const { remoteurl, username, password, exec: helper, tls: own } = options;
  const problem = remoteurl === undefined ? undefined : problemOfUrl(remoteurl);
  if (problem !== undefined) refuse(context, "remoteurl", problem);
  if (username === undefined && password !== undefined) refuse(context, "password", "a password needs a username");
  if (helper !== undefined && helper.command === undefined) refuse(context, "exec", "exec needs a command");
  if ((own.certificate === undefined) !== (own.key === undefined)) {
    refuse(context, "tls", "tls.certificate and tls.key are given both or neither");
  }
  if (own.insecure && remoteurl?.startsWith("http://") === true) {
    refuse(context, "tls", "tls.insecure has no meaning for http://, which has no certificate");
  }
}

/** Why `text` is no upstream; undefined: it is one. */
export function problemOfUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return "write it as https://host, or http://host without TLS";
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "put the user into username and password";
  if (url.search !== "" || url.hash !== "") return "leave out what follows the host and the path";
  if (/\/v2\/?$/.test(url.pathname)) return "leave out /v2, which is added to each request";
  return undefined;
}
