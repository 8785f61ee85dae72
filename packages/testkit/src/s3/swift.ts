import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startDaemon } from "../processes.js";
import { makeTemporaryFolder } from "../temporary-folder.js";
import { freePorts } from "./ports.js";

/** The same from the sources and from the build. */
const LAUNCHER = fileURLToPath(new URL("../../src/s3/swift-launcher.py", import.meta.url));
/** `account:user`: Swift's own authentication checks them. */
const ACCESS_KEY = "tests:longshore";
const SECRET_KEY = "a-secret-of-the-tests";
const PORTS = 4;

/** OpenStack Swift with its S3 interface, all of it in one process, on the loopback address. */
export async function startSwift(): Promise<{
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}> {
  const folder = await makeTemporaryFolder("swift");
  const port = await freePorts(PORTS);
  const args = [LAUNCHER, join(folder.path, "data"), String(port), ACCESS_KEY, SECRET_KEY];
  try {
    // It ends with its parent, however that ends. Debian's Python: the package is for that one only.
    const daemon = await startDaemon("setpriv", ["--pdeathsig", "KILL", "/usr/bin/python3", ...args], {
      ready: (output) => output.includes("serving"),
    });
    return {
      endpoint: `http://127.0.0.1:${port}`,
      accessKey: ACCESS_KEY,
      secretKey: SECRET_KEY,
      async stop() {
        await daemon.stop(2000);
        await folder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}
