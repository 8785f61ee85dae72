import { hasErrno } from "@longshore/base/errno";
import { integer, requiredText, unused } from "@longshore/options/declare";
import { stat } from "node:fs/promises";
import { declareChecks, intervalOption } from "../kind.js";

/** A file that operators create to take the registry out of service. */
export const fileCheck = declareChecks(
  { meaning: "Files that take the registry out of service.", env: "FILECHECKERS" },
  {
    name: "file",
    meaning: "A file check.",
    options: {
      file: requiredText("Unhealthy while this file exists."),
      interval: intervalOption(),
      threshold: integer(0, {}, ...unused("one finding counts, as in Distribution")),
    },
    choose: ({ file, interval }) => ({
      label: { option: "file", text: file },
      open: () => ({ name: file, interval, threshold: 1, successthreshold: 1, check: () => checkFile(file) }),
    }),
  },
);

async function checkFile(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    (error: unknown) => {
      if (hasErrno(error, "ENOENT")) return false;
      throw error;
    },
  );
  if (exists) throw new Error("file exists");
}
