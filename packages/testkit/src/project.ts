import { fileURLToPath } from "node:url";

/** The folder of the whole project, with its closing slash. */
export const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));

/** The `registry` command, as users run it. */
export const PROGRAM = `${PROJECT}packages/registry/bin/registry.js`;
