import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ROOT } from "./markdown.js";

const entry = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  link: z.boolean().default(false),
  dev: z.boolean().default(false),
  devOptional: z.boolean().default(false),
  hasInstallScript: z.boolean().default(false),
});
const lockfile = z.object({ packages: z.record(z.string(), entry) });

/** A library as `package-lock.json` has it. */
export interface Library extends z.output<typeof entry> {
  readonly name: string;
}

/** Every library of `package-lock.json`; one that is there in several versions is listed several times. */
export async function readLibraries(): Promise<Library[]> {
  const lock = lockfile.parse(JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")));
  return Object.entries(lock.packages)
    .filter(([path, { link }]) => path.includes("node_modules/") && !link)
    .map(([path, rest]) => ({ name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), ...rest }));
}

/** Whether a library's code reaches users: on the server or in the console's pages. */
export function isShipped({ dev, devOptional }: Library): boolean {
  return !dev && !devOptional;
}
