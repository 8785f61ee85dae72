/** `npm run schema`: writes the files that are generated from the configuration's schema, below the working directory. */
import { readFile, writeFile } from "node:fs/promises";
import { GENERATED } from "./generated.js";

for (const { path, text } of GENERATED) await writeFile(path, text(await readFile(path, "utf8")));
