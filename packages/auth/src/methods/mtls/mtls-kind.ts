import { choice } from "@longshore/options/declare";
import { declareCertificateSource } from "../kind.js";

/** Client certificates that chain to `http.tls.clientcas`. */
export const mtls = declareCertificateSource({
  name: "mtls",
  meaning:
    "Client certificates as identities. Needs `http.tls.clientcas`; can be combined with a kind that checks passwords.",
  options: {
    account: choice(
      ["cn", "email", "dns", "uri"],
      "cn",
      "Which name in a client's certificate is its account: the subject's common name, or the first alternative name of a kind.",
    ),
  },
  info: { ours: true },
  choose: ({ account }) => ({
    async open() {
      return (await import("./mtls-authenticator.js")).createMtlsAuthenticator({ account });
    },
  }),
});
