import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, startDaemon, type Daemon } from "../processes.js";
import { makeTemporaryFolder } from "../temporary-folder.js";
import { cephConfiguration } from "./ceph-configuration.js";
import { freePorts } from "./ports.js";

/** In memory and gone at the end, or on disk as in production, safe against SIGKILL. */
export type CephStore = "memstore" | "bluestore";

/** Ceph's S3 gateway over a cluster of one monitor and one object store daemon, on the loopback address. */
export interface RunningCeph {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** The gateway's process id; killing it simulates an outage of the storage. */
  readonly gateway: number;
  stop(): Promise<void>;
}

const FSID = "6c1f3c5e-2a47-4c6b-9b7e-0d2f4a6b8c10";
const OSD = "b3b0a0f2-5f0e-4a58-9d0a-1c2d3e4f5a6b";
const ACCESS_KEY = "LONGSHORETESTS";
const SECRET_KEY = "a secret of the tests";
const ENTITIES = ["mon.", "client.admin", "osd.0", "client.rgw"];
/** The gateway's, the monitor's, and those that the store daemon chooses from. */
const PORTS = 12;

/** Starts a new cluster, which takes a few seconds. */
export async function startCeph(store: CephStore = "memstore"): Promise<RunningCeph> {
  // Unix sockets are here: their paths may have at most 107 bytes.
  const folder = await makeTemporaryFolder("ceph");
  const port = await freePorts(PORTS);
  const at = (name: string): string => join(folder.path, name);
  const env = { CEPH_CONF: at("ceph.conf"), LC_ALL: "C" };
  const call = (program: string, ...args: string[]) => run(program, args, { env });
  const daemons: Daemon[] = [];
  const stop = async (): Promise<void> => {
    // The gateway first, so that it doesn't wait for the others.
    for (const daemon of daemons.splice(0).reverse()) await daemon.stop(2000);
    await folder[Symbol.asyncDispose]();
  };
  const start = async (
    program: string,
    args: readonly string[],
    ready: (output: string) => boolean | Promise<boolean>,
  ) => {
    // It ends with its parent, however that ends.
    const daemon = await startDaemon("setpriv", ["--pdeathsig", "KILL", program, "-f", ...args], { env, ready });
    daemons.push(daemon);
    return daemon;
  };
  try {
    for (const name of ["mon", "osd", "run", "rgw"]) await mkdir(at(name));
    await writeFile(at("ceph.conf"), cephConfiguration({ folder: folder.path, port, fsid: FSID, store }));
    await writeFile(at("keyring"), ENTITIES.map(keyringEntry).join(""), { mode: 0o600 });
    await call("monmaptool", "--create", "--addv", "m", `v2:127.0.0.1:${port + 1}/0`, "--fsid", FSID, at("monmap"));
    await call("ceph-mon", "-i", "m", "--mkfs", "--monmap", at("monmap"), "--keyring", at("keyring"));
    await start("ceph-mon", ["-i", "m"], () => true);
    await call("ceph", "osd", "new", OSD, "0");
    await call("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", OSD);
    // A gateway that finds a store daemon without service keys backs off for seconds.
    await start("ceph-osd", ["-i", "0"], (output) => output.includes("booting -> active"));
    const keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY];
    await call("radosgw-admin", "user", "create", "--uid=test", "--display-name=test", ...keys);
    const endpoint = `http://127.0.0.1:${port}`;
    const gateway = await start("radosgw", ["-n", "client.rgw"], async () => (await fetch(endpoint)).ok);
    return { endpoint, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, gateway: gateway.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An entity that may do everything, with a fresh key: type 1 (AES), no time of creation, 16 bytes. */
function keyringEntry(entity: string): string {
  const key = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0]), randomBytes(16)]).toString("base64");
  const caps = ["mon", "osd", "mgr"].map((service) => `\tcaps ${service} = "allow *"\n`);
  return `[${entity}]\n\tkey = ${key}\n${caps.join("")}`;
}
