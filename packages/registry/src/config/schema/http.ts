import { z } from "zod";
import { API_METHODS, API_REQUEST_HEADERS } from "../cors-defaults.js";
import { isTrustedProxy } from "../trusted-proxy.js";
import { parseAddress } from "@longshore/base/address";
import { CIPHER_SUITES, CURVES, type CipherSuite } from "../cipher-suites.js";
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
} from "@longshore/options/declare";

function isCipherSuite(name: string): name is CipherSuite {
  return Object.hasOwn(CIPHER_SUITES, name);
}

const host = key(z.string().refine(isBaseUrl).optional(), {
  meaning:
    "The scheme and host (and path) of all URLs sent to clients, such as `https://registry.example`. By default they are derived from the request and its `Forwarded` or `X-Forwarded-*` headers.",
  type: "URL",
  allowed: "a URL such as https://registry.example, without credentials, query or fragment",
});

/** A host without a scheme is accepted: Distribution ignores it, and so do we, with a warning. */
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
    .transform((value) => value || "/")
    .prefault("/"),
  {
    meaning: "The path before `/v2/`.",
    type: "path",
    allowed: "a path that starts and ends with a slash, such as /registry/",
    fallback: "/",
  },
);

const address = z.string().refine((value) => value === "" || parseAddress(value) !== undefined);

const tls = section(
  {
    certificate: text("PEM file with the certificate, followed by the intermediate ones. Enables TLS.", {
      file: "read",
    }),
    key: text("PEM file with the certificate's key.", { file: "read" }),
    clientcas: textList("PEM files with the authorities that sign client certificates.", { file: "read" }),
    clientauth: choice(
      [
        "request-client-cert",
        "require-any-client-cert",
        "verify-client-cert-if-given",
        "require-and-verify-client-cert",
      ],
      "require-and-verify-client-cert",
      "What is required of clients if `clientcas` is set.",
    ),
    minimumtls: choice(["tls1.2", "tls1.3"], "tls1.2", "The oldest TLS version that is accepted.", {
      allowed: "tls1.2 or tls1.3 (older versions are broken, and registry:3 doesn't support them either)",
    }),
    ciphersuites: list(
      key(z.string().refine(isCipherSuite), {
        meaning: "",
        type: "string",
        allowed: `one of ${Object.keys(CIPHER_SUITES).join(", ")}`,
      }),
      "Go's names of the cipher suites, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`. Has no effect with `tls1.3`.",
      { type: "list of strings" },
    ),
    curves: list(
      key(z.enum(CURVES), { meaning: "", type: "string", allowed: `one of ${CURVES.join(", ")}` }),
      "The curves that keys are agreed on, best first, by Go's names: " +
        CURVES.map((name) => `\`${name}\``).join(", ") +
        ".",
      { type: "list of strings", fallback: "what OpenSSL offers", ours: true },
    ),
    letsencrypt: section(
      {
        cachefile: text(
          "A directory for keys and certificates, as Distribution and docker_auth write it. Readable by its owner only; created if it is missing.",
          { file: "write" },
        ),
        email: text("The address at which the authority may reach you."),
        hosts: textList("Host names that get a certificate each; clients that ask for another name are refused."),
        directoryurl: text("The authority's ACME directory.", {
          fallback: "https://acme-v02.api.letsencrypt.org/directory",
        }),
        httpaddr: key(address.optional(), {
          meaning:
            "Also answer HTTP-01 challenges on this address, for which the authority asks port 80 of each host; everything else there is redirected to HTTPS. " +
            "Without it, only TLS-ALPN-01 is answered, on `http.addr`, for which the authority asks port 443.",
          type: "host:port",
          allowed: "host:port, such as :80 or 127.0.0.1:8080",
          fallback: "off",
          ours: true,
        }),
      },
      "Certificates from Let's Encrypt or another authority that speaks ACME (RFC 8555), ordered and renewed by the registry, which thereby agrees to the authority's terms. No effect without `cachefile`; not together with `certificate`.",
    ).optional(),
  },
  "TLS.",
).prefault({});

const debug = section(
  {
    addr: key(address.optional(), {
      meaning: "The address of `/debug/health` and metrics. There is no authentication, so don't expose it.",
      type: "host:port",
      allowed: "host:port, such as :5001 or 127.0.0.1:5001",
      fallback: "off",
    }),
    prometheus: section(
      {
        enabled: flag(false, "Enables metrics for Prometheus."),
        path: key(
          z
            .string()
            .regex(/^(\/[^\s?#]*)?$/)
            .transform((value) => value || "/metrics")
            .prefault("/metrics"),
          {
            meaning: "The path of the metrics.",
            type: "path",
            allowed: "a path that starts with a slash",
            fallback: "/metrics",
          },
        ),
      },
      "Metrics.",
    ).prefault({}),
  },
  "A second listener, for operators.",
).prefault({});

const token = (meaning: string, fallback: readonly string[]) =>
  key(z.array(z.string().regex(/^(?:\*|[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/)).default([...fallback]), {
    meaning,
    type: "list of strings",
    allowed: "a list of words",
    fallback: fallback.join(", "),
  });

const cors = section(
  {
    origins: list(
      key(z.string().regex(/^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+)$/), {
        meaning: "",
        type: "string",
        allowed: 'an origin such as https://ui.example (scheme, host and port, no path), or "*" for all',
      }),
      'Origins whose pages may use the API, such as `https://ui.example`, or `"*"`. Required to enable CORS.',
      { type: "list of strings" },
    ),
    methods: token("Methods that pages may use.", API_METHODS),
    headers: token("Request headers that pages may set.", API_REQUEST_HEADERS),
    maxage: duration("10m", "How long browsers may cache a preflight."),
    credentials: flag(
      false,
      "Allows browsers to send cookies, saved logins and client certificates. Can't be combined with `*`.",
    ),
  },
  "Which web pages may use the API (CORS). Preflights need no credentials.",
  { ours: true },
).prefault({});

const MIB = 1024 * 1024;

const limits = section(
  {
    headersize: integer(
      64 * 1024,
      { min: 8 * 1024, max: MIB },
      "The maximum size of a request's headers, with one header allowed for every 32 bytes; beyond that, 431. No header is dropped.",
    ),
    manifestsize: integer(4 * MIB, { min: 1024, max: 64 * MIB }, "The maximum size of a manifest; beyond that, 413."),
    manifestmemory: integer(
      64 * MIB,
      { min: MIB },
      "The memory in each worker for manifests being pushed, at least twice the largest size; beyond that, 429 with `Retry-After`.",
    ),
    manifesttimeout: duration("60s", "Time limit for receiving a whole manifest; 0 disables it."),
    headertimeout: duration("60s", "Time limit for receiving a request's headers; 0 disables it."),
    idletimeout: duration("2m", "How long a connection may wait for its next request; 0 disables the limit."),
    bodyidletimeout: duration(
      "2m",
      "How long a client may go without sending a byte of a request's body, or reading one of a response; 0 disables the limit.",
    ),
    connections: integer(20_000, { min: 0 }, "Open connections per worker; 0 disables the limit."),
    uploads: integer(
      10_000,
      { min: 1, max: 1_000_000 },
      "Unfinished upload sessions per repository; beyond that, 429.",
    ),
  },
  "Limits that protect against hostile or broken clients.",
  { ours: true },
).prefault({});

export const http = section(
  {
    addr: key(
      z
        .string()
        .transform((value) => value || ":0")
        .prefault(":0"),
      {
        meaning: "The address to listen on: `host:port` (`:5000` means every interface), or the path of a unix socket.",
        type: "host:port or path",
        allowed: "host:port, such as :5000 or 127.0.0.1:5000; with net: unix, a path",
        fallback: "a port that the system chooses",
      },
    ),
    net: choice(["tcp", "unix"], "tcp", "The kind of `addr`."),
    host,
    prefix,
    secret: secret(
      "Signs the upload state that clients return. Must be the same on every instance behind a balancer; random if absent.",
    ),
    relativeurls: flag(false, "Sends clients URLs without scheme and host."),
    draintimeout: duration(
      "0",
      "How long requests in progress may take after SIGTERM or SIGINT; 0 means 8s (Distribution aborts them at once).",
    ),
    headers: headers("Headers added to every response of the API."),
    tls,
    debug,
    // Large pulls over HTTP/2 reach only 0.6 to 0.8 times the speed, and all of a client's streams go to the same worker.
    http2: section(
      {
        disabled: flag(
          true,
          "Doesn't offer HTTP/2 over TLS. Distribution offers it by default, but here it costs speed.",
        ),
      },
      "HTTP/2.",
    ).prefault({}),
    h2c: section({ enabled: flag(false, "Accepts HTTP/2 without TLS.") }, "Unencrypted HTTP/2.").prefault({}),
    workers: optionalInteger(
      { min: 1, max: 1024 },
      "The number of processes that serve requests; just one with `inmemory` storage.",
      {
        fallback:
          "the number of cores of the control group, at most 8 and at most one for each 256 MiB of its memory limit; 1 for `inmemory`",
        ours: true,
      },
    ),
    limits,
    cors,
    clientaddress: section(
      {
        header: text("The header, such as `X-Forwarded-For`, in which a proxy says where a client is."),
        position: integer(
          0,
          { min: -64, max: 64 },
          "Which entry of the header counts, if there are several: 0 is the first, -1 the last. An address that isn't there is unknown.",
        ),
      },
      "Where clients are, by a header that is believed from everybody, as docker_auth does with `real_ip_header`: whoever can reach " +
        "this address without the proxy can claim any. Prefer `trustedproxies`, which can't be combined with it.",
      { ours: true },
    ).prefault({}),
    trustedproxies: list(
      key(z.string().refine(isTrustedProxy), {
        meaning: "",
        type: "string",
        allowed: "an address, a network such as 10.0.0.0/8, or unix",
      }),
      "Reverse proxies whose `X-Forwarded-For` or `X-Real-IP` is trusted for a client's address: for rules, throttling, redirects, events and all logs. Behind a proxy set this, or all clients will have the proxy's address. Once set, `Forwarded` and `X-Forwarded-*` headers from anyone else are ignored.",
      { type: "list of strings", ours: true },
    ),
  },
  "The HTTP server.",
).prefault({});
