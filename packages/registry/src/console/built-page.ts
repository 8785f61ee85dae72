import { fileURLToPath } from "node:url";

/** What the package of the page is built to. It is three folders up from `src/console`, `dist/console` and `dist/bundle`. */
export function builtPage(): string {
  return fileURLToPath(new URL("../../../console/dist", import.meta.url));
}
