import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { isObjectStorage, isStorageError, type StorageDriver } from "@longshore/storage";
import type { HealthConfig, TcpCheck } from "../config/config.js";
import { redactText } from "../observability/redact.js";
import type { HealthCheck } from "./check.js";
import { checkHttp } from "./http-check.js";
import { reason, withTimeout } from "./wait.js";

/** How long the storage may take to answer a look before that counts as a failure (ms). */
const STORAGE_TIMEOUT = 30_000;

/** The checks that the `health` section asks for. */
export function createHealthChecks(config: HealthConfig, storageType: string, driver: StorageDriver): HealthCheck[] {
  const checks: HealthCheck[] = [];
  if (config.storagedriver.enabled) {
    const { interval, threshold, successthreshold } = config.storagedriver;
    checks.push({
      name: `storagedriver_${storageType}`,
      interval,
      threshold,
      successthreshold,
      check: (signal) => checkStorage(driver, signal),
    });
  }
  for (const { file, interval } of config.file) {
    checks.push({ name: file, interval, threshold: 1, successthreshold: 1, check: () => checkFile(file) });
  }
  for (const http of config.http) {
    const { uri, interval, threshold, successthreshold } = http;
    const check = (signal: AbortSignal): Promise<void> => checkHttp(http, signal);
    checks.push({ name: redactText(uri), interval, threshold, successthreshold, check });
  }
  for (const tcp of config.tcp) {
    const { addr, interval, threshold, successthreshold } = tcp;
    const check = (signal: AbortSignal): Promise<void> => checkTcp(tcp, signal);
    checks.push({ name: addr, interval, threshold, successthreshold, check });
  }
  return checks;
}

/** An empty storage has no root yet: that is healthy. */
async function checkStorage(driver: StorageDriver, signal: AbortSignal): Promise<void> {
  try {
    const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(STORAGE_TIMEOUT)]) };
    // Object storage charges for a question about a directory ten times what it charges for one about a file.
    if (isObjectStorage(driver)) await driver.stat("/docker/registry/v2/health", { ...options, fileOnly: true });
    else await driver.stat("/", options);
  } catch (error) {
    if (!isStorageError(error, "PATH_NOT_FOUND")) throw error;
  }
}

/** A file that operators create to take the registry out of service. */
async function checkFile(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
      throw error;
    },
  );
  if (exists) throw new Error("file exists");
}

async function checkTcp(check: TcpCheck, signal: AbortSignal): Promise<void> {
  const { host, port } = splitAddress(check.addr);
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, signal: withTimeout(signal, check.timeout) });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (error) =>
      reject(new Error(`${check.addr}: connection failed: ${reason(error)}`, { cause: error })),
    );
  });
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, "");
  return { host: host === "" ? "localhost" : host, port: Number(address.slice(colon + 1)) };
}
