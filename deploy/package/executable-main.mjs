// The program of the single file that executable.mjs makes; with everything it imports, it becomes one module.
import { start } from "../../packages/registry/bin/start.js";

await start(() => import("../../packages/registry/dist/cli/main.js"));
