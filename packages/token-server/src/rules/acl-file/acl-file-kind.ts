import { AuthError } from "@longshore/auth";
import { requiredText } from "@longshore/options/declare";
import type { Remark } from "@longshore/options/kind";
import { declareRules } from "../declare-rules.js";

/** Rules in a file, or in the files of a directory. */
export const aclFile = declareRules({
  name: "acl",
  meaning:
    "Rules in a file of their own, or in the `.yml` and `.yaml` files of a directory in the order of their names: lists as in " +
    "`access`, also below a key `acl` or `access`. Changes take effect within a second; what can't be read is logged, and the " +
    "former rules stay.",
  options: { path: requiredText("The file or directory.", { file: "read" }) },
  choose: ({ path }) => ({
    async verify(): Promise<readonly Remark[]> {
      const { findDeadEntries, readAcl } = await import("./read-acl.js");
      try {
        await readAcl(path);
        const dead = await findDeadEntries(path);
        return dead.map((message) => ({ severity: "warning", path: ["path"], message }));
      } catch (error) {
        return [
          { severity: "error", path: ["path"], message: error instanceof Error ? error.message : "can't be read" },
        ];
      }
    },
    async open(ports) {
      const { openAclFile } = await import("./open-acl-file.js");
      try {
        return await openAclFile(path, { ...ports, log: ports.fileLog ?? ports.log });
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : "it can't be read";
        throw new AuthError({ code: "INVALID_OPTIONS", path: "acl.path", reason }, { cause });
      }
    },
  }),
});
