import { createSecureContext, type SecureContext, type TlsOptions } from "node:tls";

/** A host's certificate, which an authority issued while the registry runs. */
export interface HostCertificate {
  /** In ASCII and lower case. */
  readonly host: string;
  /** PEM. */
  readonly key: string;
  /** PEM: the host's certificate, then those that signed it. */
  readonly chain: string;
}

/** What new handshakes use, by the name that the client asks for. */
export interface HostContexts {
  /** Undefined: there is no certificate for that name. */
  find(name: string): SecureContext | undefined;
  /** For clients that name no host, as those that connect to an address: the first host's; undefined: none yet. */
  readonly first: HostCertificate | undefined;
  useOptions(options: TlsOptions): void;
  useCertificates(certificates: readonly HostCertificate[]): void;
}

/** Keeps a context for each certificate. Throws of `use…` leave everything as it was. */
export function createHostContexts(initial: TlsOptions): HostContexts {
  let options = initial;
  let certificates: readonly HostCertificate[] = [];
  let contexts = new Map<string, SecureContext>();

  const make = (from: TlsOptions, all: readonly HostCertificate[]): Map<string, SecureContext> =>
    new Map(all.map(({ host, key, chain }) => [host, createSecureContext({ ...from, key, cert: chain })] as const));
  return {
    find: (name) => contexts.get(name.toLowerCase().replace(/\.$/, "")),
    get first() {
      return certificates[0];
    },
    useOptions(next) {
      contexts = make(next, certificates);
      options = next;
    },
    useCertificates(next) {
      contexts = make(options, next);
      certificates = next;
    },
  };
}
