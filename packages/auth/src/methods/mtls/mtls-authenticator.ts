import type { PeerCertificate } from "../../access-controller.js";
import { isAccountName } from "../../identities/basic.js";
import type { Authentication, Authenticator, Labels } from "../../identities/identity.js";
import { parseAlternativeNames } from "./alternative-names.js";

/** Options of {@link createMtlsAuthenticator}. */
export interface MtlsOptions {
  /** Which name of a certificate is the account: the common name, or the first alternative name of a kind. */
  readonly account: "cn" | keyof typeof KINDS;
}

/** How OpenSSL spells the kinds of alternative names. */
const KINDS = { dns: "DNS", email: "email", uri: "URI" } as const;

/** The subject's attributes that rules can match as labels. */
const LABELS = ["O", "OU"] as const;

function attribute({ subject }: PeerCertificate, name: string): readonly string[] {
  const value = Object.hasOwn(subject, name) ? subject[name] : undefined;
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

/** The account; undefined if there is none, or if several common names make it ambiguous. */
function accountOf(certificate: PeerCertificate, from: MtlsOptions["account"]): string | undefined {
  if (from === "cn") {
    const names = attribute(certificate, "CN");
    return names.length === 1 ? names[0] : undefined;
  }
  const names = parseAlternativeNames(certificate.subjectAltName ?? "");
  return names?.find(({ kind }) => kind === KINDS[from])?.value;
}

function labelsOf(certificate: PeerCertificate): Labels {
  return new Map(
    LABELS.map((name) => [name, attribute(certificate, name)] as const).filter(([, values]) => values.length > 0),
  );
}

/** Identifies clients by certificates that chain to `http.tls.clientcas`; other certificates are ignored. */
export function createMtlsAuthenticator({ account: from }: MtlsOptions): Authenticator {
  return {
    name: "mtls",
    identify({ peerCertificate: certificate }): Authentication {
      // An unverified certificate proves nothing; the client may still log in with a password.
      if (certificate?.verified !== true) return { outcome: "absent" };
      const account = accountOf(certificate, from);
      if (account === undefined || !isAccountName(account)) {
        const reason = `the client certificate has no usable ${from === "cn" ? "common name" : `${KINDS[from]} alternative name`}`;
        return { outcome: "failed", account: undefined, reason };
      }
      return { outcome: "identified", identity: { account, labels: labelsOf(certificate) } };
    },
    close: () => Promise.resolve(),
  };
}
