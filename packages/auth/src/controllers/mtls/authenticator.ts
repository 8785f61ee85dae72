import type { PeerCertificate } from "../../contract.js";
import { isAccountName } from "../../identities/basic.js";
import type { Authentication, Authenticator, Labels } from "../../identities/contract.js";
import { parseAlternativeNames } from "./alternative-names.js";
import type { MtlsOptions } from "./options.js";

/** How OpenSSL spells the kinds of alternative names. */
const KINDS = { dns: "DNS", email: "email", uri: "URI" } as const;

/** The subject's attributes that rules can ask for as labels. */
const LABELS = ["O", "OU"] as const;

function attribute({ subject }: PeerCertificate, name: string): readonly string[] {
  const value = Object.hasOwn(subject, name) ? subject[name] : undefined;
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

/** The account; undefined where there is none, or where more than one common name leaves it open which is meant. */
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

/** Client certificates that chain to `http.tls.clientcas`: nobody else's names are believed. */
export function createMtlsAuthenticator({ account: from }: MtlsOptions): Authenticator {
  return {
    name: "mtls",
    identify({ peerCertificate: certificate }): Authentication {
      // One that nobody vouches for shows nothing: its bearer may still log in otherwise.
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
