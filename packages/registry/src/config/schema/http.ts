import { z } from "zod";
import { API_METHODS, API_REQUEST_HEADERS } from "../../http/cors/policy.js";
import { isTrustedProxy } from "../../http/client-address.js";
import { parseAddress } from "../address.js";
import { CIPHER_SUITES, type CipherSuite } from "../cipher-suites.js";
import {
  choice,
  duration,
  flag,
  headers,
  integer,
  key,
  list,
  optionalInteger,
  secret,
  section,
  text,
  textList,
} from "./kit.js";

function isCipherSuite(name: string): name is CipherSuite {
  return Object.hasOwn(CIPHER_SUITES, name);
}

const host = key(z.string().refine(isBaseUrl).optional(), {
  meaning:
    "The scheme and host (and path) of every URL that clients are given, such as `https://registry.example`. " +
    "Without it they follow the request and its `Forwarded` or `X-Forwarded-*` headers.",
  type: "URL",
  allowed: "a URL such as https://registry.example, without credentials, query or fragment",
});

/** A host without a scheme passes: the original ignores it, and so do we, with a warning. */
function isBaseUrl(value: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return !/[\s?#@]/.test(value);
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && username === "" && password === "" && search === "" && hash === "";
}

const prefix = key(
  z
    .string()
    .regex(/^(\/([A-Za-z0-9._~-]+\/)*)?$/)
    .optional(),
  {
    meaning: "The path that stands before `/v2/`.",
    type: "path",
    allowed: "a path that begins and ends with a slash, such as /registry/",
    fallback: "/",
  },
);

const tls = section(
  {
    certificate: text("PEM file: the certificate and those between it and the root. Turns TLS on."),
    key: text("PEM file: the certificate's key."),
    clientcas: textList("PEM files: who signs the certificates that clients must show."),
    clientauth: choice(
      [
        "request-client-cert",
        "require-any-client-cert",
        "verify-client-cert-if-given",
        "require-and-verify-client-cert",
      ],
      "require-and-verify-client-cert",
      "What is asked of clients when `clientcas` is set.",
    ),
    minimumtls: choice(["tls1.2", "tls1.3"], "tls1.2", "The oldest TLS version that is spoken.", {
      allowed: "tls1.2 or tls1.3 (older versions are broken, and neither registry:3 nor this one speaks them)",
    }),
    ciphersuites: list(
      key(z.string().refine(isCipherSuite), {
        meaning: "",
        type: "text",
        allowed: `one of ${Object.keys(CIPHER_SUITES).join(", ")}`,
      }),
      "Go's names of the cipher suites, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`. Has no effect with `tls1.3`.",
      { type: "list of texts" },
    ),
    letsencrypt: section(
      {
        cachefile: text("A directory for keys and certificates.", {
          later: {
            when: "set",
            what: "automatic certificates (letsencrypt)",
            instead: "give http.tls.certificate and http.tls.key, which a client such as certbot can renew",
          },
        }),
        email: text("Whom the authority writes to."),
        hosts: textList("Host names that get a certificate."),
        directoryurl: text("The authority's directory."),
      },
      "Automatic certificates. Nothing happens without `cachefile`.",
    ).optional(),
  },
  "TLS.",
).prefault({});

const address = z.string().refine((value) => value === "" || parseAddress(value) !== undefined);

const debug = section(
  {
    addr: key(address.optional(), {
      meaning: "Where `/debug/health` and metrics answer, without authentication: not for the world.",
      type: "host:port",
      allowed: "host:port, such as :5001 or 127.0.0.1:5001",
      fallback: "off",
    }),
    prometheus: section(
      {
        enabled: flag(false, "Metrics for Prometheus."),
        path: key(
          z
            .string()
            .regex(/^(\/[^\s?#]*)?$/)
            .optional(),
          {
            meaning: "Their path.",
            type: "path",
            allowed: "a path that begins with a slash",
            fallback: "/metrics",
          },
        ),
      },
      "Metrics.",
    ).prefault({}),
  },
  "A second listener.",
).prefault({});

const token = (meaning: string, fallback: readonly string[]) =>
  key(z.array(z.string().regex(/^(?:\*|[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/)).optional(), {
    meaning,
    type: "list of texts",
    allowed: "a list of words",
    fallback: fallback.join(", "),
  });

const cors = section(
  {
    origins: list(
      key(z.string().regex(/^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+)$/), {
        meaning: "",
        type: "text",
        allowed: 'an origin such as https://ui.example (scheme, host and port, no path), or "*" for all',
      }),
      'Origins whose pages may use the API, such as `https://ui.example`, or `"*"`. Nothing happens without.',
      { type: "list of texts" },
    ),
    methods: token("Methods that they may use.", API_METHODS),
    headers: token("Request headers that they may set.", API_REQUEST_HEADERS),
    maxage: duration("10m", "How long browsers may remember what is allowed."),
    credentials: flag(false, "Lets browsers send cookies, remembered logins and client certificates. Not with `*`."),
  },
  "Which web pages may use the API (CORS). Preflights are answered before anybody is asked for credentials.",
  { ours: true },
).prefault({});

const MIB = 1024 * 1024;

const limits = section(
  {
    headersize: integer(
      64 * 1024,
      { min: 8 * 1024, max: MIB },
      "Bytes of all headers of a request; more is answered with 431.",
    ),
    manifestsize: integer(4 * MIB, { min: 1024, max: 64 * MIB }, "Bytes of a manifest; more is answered with 413."),
    headertimeout: duration("60s", "For a request's headers to arrive; 0: no limit."),
    idletimeout: duration("2m", "For the next request on an open connection; 0: no limit."),
    bodyidletimeout: duration(
      "2m",
      "For the next byte of a request's body, and for a client to take the next one of an answer; 0: no limit.",
    ),
    connections: integer(20_000, { min: 0 }, "Open connections of one worker; 0: no limit."),
    uploads: integer(
      10_000,
      { min: 1, max: 1_000_000 },
      "Unfinished upload sessions of one repository; more are answered with 429.",
    ),
  },
  "What a hostile or broken client meets.",
  { ours: true },
).prefault({});

export const http = section(
  {
    addr: key(z.string().optional(), {
      meaning: "Where it listens: `host:port` (`:5000` is every interface), or the path of a unix socket.",
      type: "host:port or path",
      allowed: "host:port, such as :5000 or 127.0.0.1:5000; with net: unix, a path",
      fallback: "a port that the system chooses",
    }),
    net: choice(["tcp", "unix"], "tcp", "What `addr` is."),
    host,
    prefix,
    secret: secret(
      "Signs the state of uploads that clients carry. Must be the same on every instance behind a balancer; random where absent.",
    ),
    relativeurls: flag(false, "Gives clients URLs without scheme and host."),
    draintimeout: duration(
      "0",
      "How long requests in flight may take after SIGTERM or SIGINT; 0: 8s, where the original cuts them at once.",
    ),
    headers: headers("Headers on every answer of the API."),
    tls,
    debug,
    // Large pulls over HTTP/2 run at 0.6 to 0.8 times the speed, and all of a client's streams at one worker.
    http2: section(
      {
        disabled: flag(
          true,
          "Doesn't offer HTTP/2 over TLS; the original offers it unless told, which costs speed here.",
        ),
      },
      "HTTP/2.",
    ).prefault({}),
    h2c: section({ enabled: flag(false, "Speaks HTTP/2 without TLS.") }, "HTTP/2 in the clear.").prefault({}),
    workers: optionalInteger({ min: 1, max: 1024 }, "Processes that serve requests. `inmemory` storage allows one.", {
      fallback: "the number of cores; 1 for `inmemory`",
      ours: true,
    }),
    limits,
    cors,
    trustedproxies: list(
      key(z.string().refine(isTrustedProxy), {
        meaning: "",
        type: "text",
        allowed: "an address, a network such as 10.0.0.0/8, or unix",
      }),
      "Reverse proxies whose `X-Forwarded-For` or `X-Real-IP` says where a client is, for rules, throttling and the audit log. " +
        "Set it behind a proxy, or all clients have the proxy's address.",
      { type: "list of texts", ours: true },
    ),
  },
  "The server.",
).prefault({});
