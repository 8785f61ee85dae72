import { declareSource } from "../declare-source.js";
import { checkOptions, remarksOn } from "./check-options.js";
import { ldapOptions } from "./ldap-options.js";

/** Accounts of a directory: OpenLDAP, FreeIPA, Active Directory. */
export const ldap = declareSource({
  name: "ldap",
  meaning: "Accounts of an LDAP directory, such as OpenLDAP or FreeIPA, or of Active Directory.",
  options: ldapOptions,
  choose(options, context) {
    checkOptions(options, (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message, params: { explained: true } }),
    );
    return {
      limits: options,
      labels: [...Object.keys(options.labels), ...(options.groups === undefined ? [] : [options.groups.label])],
      remarks: remarksOn(options),
      verify: async (request) => (await import("./verify-directory.js")).verifyDirectory(options, request),
      async open({ clock }) {
        return (await import("./open-ldap.js")).openLdap(options, clock);
      },
    };
  },
});
