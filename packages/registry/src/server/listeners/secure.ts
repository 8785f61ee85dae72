import type { TLSSocket, TlsOptions } from "node:tls";
import type { TlsConfig } from "../../config/config.js";
import type { Log } from "../../observability/log.js";
import type { SecureOptions } from "./acceptor.js";
import { createChallengeHandshakes, type FindChallenge } from "./challenge-handshakes.js";
import { createHostContexts, type HostCertificate, type HostContexts } from "./host-contexts.js";
import { clientAuthMode, loadTlsOptions } from "./tls-options.js";
import { followTls, watchTls, type TlsReload } from "./tls-reload.js";

type SetTls = (options: TlsOptions) => void;

/** TLS as it is configured, and as what it needs changes. */
interface Secure {
  readonly options: SecureOptions;
  /** Applies files that change. */
  follow(setTls: SetTls, log: Log): TlsReload;
  useCertificates(certificates: readonly HostCertificate[], setTls: SetTls): void;
}

/** Reads the files of `http.tls`. Throws TlsError. */
export async function openSecure(
  tls: TlsConfig,
  names: readonly string[],
  findChallenge: FindChallenge | undefined,
): Promise<Secure> {
  const mode = clientAuthMode(tls);
  const watch = await watchTls(tls);
  let loaded = await loadTlsOptions(tls, names);
  const contexts = tls.source.kind === "letsencrypt" ? createHostContexts(loaded) : undefined;
  const current = (): TlsOptions => {
    const first = contexts?.first;
    return first === undefined ? loaded : { ...loaded, key: first.key, cert: first.chain };
  };
  return {
    options: {
      options: contexts === undefined ? loaded : { ...loaded, SNICallback: sniCallback(contexts) },
      refuses: (socket) => refuses(socket, mode),
      challenges: findChallenge === undefined ? undefined : createChallengeHandshakes(findChallenge),
    },
    follow(setTls, log) {
      const apply: SetTls = (options) => {
        contexts?.useOptions(options);
        loaded = options;
        setTls(current());
      };
      return followTls(tls, names, watch, apply, log);
    },
    useCertificates(certificates, setTls) {
      contexts?.useCertificates(certificates);
      setTls(current());
    },
  };
}

function sniCallback(contexts: HostContexts): NonNullable<TlsOptions["SNICallback"]> {
  return (name, done) => {
    const context = contexts.find(name);
    if (context === undefined) done(new Error("there is no certificate for this name"));
    else done(null, context);
  };
}

/** The client-auth modes that the TLS library doesn't know: a certificate may be missing, or need not be verified. */
function refuses(socket: TLSSocket, mode: { readonly required: boolean; readonly verified: boolean }): boolean {
  if (!mode.required && !mode.verified) return false;
  const shown = socket.getPeerX509Certificate() !== undefined;
  return shown ? mode.verified && !socket.authorized : mode.required;
}
