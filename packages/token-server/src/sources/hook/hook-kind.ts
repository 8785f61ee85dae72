import { declareSource } from "../declare-source.js";
import { remarksOnUrl } from "./call-options.js";
import { hookOptions } from "./hook-options.js";

/** An HTTP server that verifies passwords. */
export const hook = declareSource({
  name: "hook",
  meaning:
    "An HTTP server that logins are posted to. It answers with 200 (right, with labels as JSON), 401 or 403 (wrong) or 404 (unknown user).",
  options: hookOptions,
  choose: (options) => ({
    limits: options,
    remarks: remarksOnUrl(options.url, "passwords are sent to"),
    async open() {
      return (await import("./hook-source.js")).openHook(options);
    },
  }),
});
