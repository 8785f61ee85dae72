import { declareKind, type Remark } from "@longshore/options/kind";
import type { SourceKind } from "../../contract.js";
import { SECOND } from "@longshore/base/duration";
import { compileIssuer } from "./compile-issuer.js";
import { machineOptions } from "./machine-options.js";

/** Logins may wait for an issuer that hangs, and those of others not for them: there is room for many, and no fault counts against all. */
const LIMITS = { timeout: 15 * SECOND, concurrency: 1024, cachettl: 0, failures: 0 };

/** ID tokens of GitHub Actions, GitLab CI, Kubernetes and any other issuer, as passwords (OpenID Connect Core §2). */
export const oidc: SourceKind = declareKind({
  name: "oidc",
  meaning:
    "ID tokens of machines, such as pipelines and Kubernetes workloads, as passwords: they need no stored secret.",
  options: machineOptions,
  info: { untyped: true, unknownKeys: "error" },
  choose({ issuers }, context) {
    const remarks: Remark[] = [];
    const names = new Set<string>();
    const configured = issuers.map((options, index) => {
      const { issuer: compiled, problems } = compileIssuer(options);
      for (const { severity, path, message } of problems) {
        const place = ["issuers", index, ...path];
        if (severity === "warning") remarks.push({ severity, path: place, message });
        else context.addIssue({ code: "custom", path: place, message, params: { explained: true } });
      }
      if (names.has(options.issuer)) {
        const message = "the issuer is listed twice; put all its rules into one entry";
        context.addIssue({ code: "custom", path: ["issuers", index, "issuer"], message, params: { explained: true } });
      }
      names.add(options.issuer);
      return { options, compiled };
    });
    if (issuers.length === 0) {
      const message = "at least one issuer is needed";
      context.addIssue({ code: "custom", path: ["issuers"], message, params: { explained: true } });
    }
    return {
      remarks,
      labels: issuers.flatMap(({ rules }) => rules.flatMap(({ labels }) => Object.keys(labels))),
      limits: LIMITS,
      open: async (ports) => (await import("./machine-source.js")).openMachineSource(configured, ports),
      async verify(request) {
        const { verifyIssuer } = await import("./verify-issuer.js");
        const found = await Promise.all(issuers.map((options, index) => verifyIssuer(options, index, request)));
        return found.flat();
      },
    };
  },
});
