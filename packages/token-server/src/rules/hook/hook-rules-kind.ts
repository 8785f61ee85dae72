import { integer, positiveDuration } from "@longshore/options/declare";
import { callOptions, remarksOnUrl } from "../../sources/hook/call-options.js";
import { declareRules } from "../declare-rules.js";

/** Decisions of an HTTP server, by the contract of docker_auth's external program. */
export const hookRules = declareRules({
  name: "hookrules",
  meaning:
    "An HTTP server that decides, with the contract of docker_auth's `ext_authz`: what is wanted is posted as JSON (`Account`, " +
    "`Type`, `Name`, `Service`, `IP`, `Actions`, `Labels`). It answers with 200 (all of it, or what a body such as " +
    '`{"actions": ["pull"]}` lists), 403 (nothing) or 404 (the next rules are asked). Any other answer is a failure, and grants nothing.',
  options: {
    ...callOptions("Where questions are posted."),
    timeout: positiveDuration("10s", "How long an answer may take, the wait for a turn included."),
    concurrency: integer(32, { min: 1, max: 1024 }, "Questions that are asked at a time, in each process."),
  },
  choose: (options) => ({
    remarks: remarksOnUrl(options.url, "whoever sits in between can grant everything: rights come from"),
    async open() {
      return (await import("./hook-rules.js")).openHookRules(options);
    },
  }),
});
