import { declarePasswordSource } from "../kind.js";
import { htpasswdOptions } from "./htpasswd-options.js";
import { verifyPasswordFile } from "./verify-password-file.js";

/** Passwords from an htpasswd file (wire contract §4.3). */
export const htpasswd = declarePasswordSource({
  name: "htpasswd",
  meaning: "User names and bcrypt hashes in a file.",
  options: htpasswdOptions,
  choose: (options) => ({
    realm: options.realm,
    service: given(options.service) ?? options.realm,
    throttle: options.throttle,
    verify: () => verifyPasswordFile(options.path),
    async open(ports) {
      return (await import("./open-htpasswd.js")).openHtpasswd(options, ports);
    },
  }),
});

/** An empty text unsets an option, as an empty environment variable does. */
function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
