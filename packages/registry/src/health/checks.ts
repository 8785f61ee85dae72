import { stat } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { isStorageError, type StorageDriver } from "@longshore/storage";
import type { HealthConfig, HttpCheck, TcpCheck } from "../config/config.js";
import { redactText } from "../observability/redact.js";
import type { HealthCheck } from "./check.js";

/** How long the storage may take to answer a look before that counts as a failure (ms). */
const STORAGE_TIMEOUT = 30_000;

/** The checks that the `health` section asks for. */
export function createHealthChecks(config: HealthConfig, storageType: string, driver: StorageDriver): HealthCheck[] {
  const checks: HealthCheck[] = [];
  if (config.storagedriver.enabled) {
    const { interval, threshold } = config.storagedriver;
    checks.push({
      name: `storagedriver_${storageType}`,
      interval,
      threshold,
      check: (signal) => checkStorage(driver, signal),
    });
  }
  for (const { file, interval } of config.file) {
    checks.push({ name: file, interval, threshold: 1, check: () => checkFile(file) });
  }
  for (const http of config.http) {
    const { uri, interval, threshold } = http;
    checks.push({ name: redactText(uri), interval, threshold, check: (signal) => checkHttp(http, signal) });
  }
  for (const tcp of config.tcp) {
    const { addr, interval, threshold } = tcp;
    checks.push({ name: addr, interval, threshold, check: (signal) => checkTcp(tcp, signal) });
  }
  return checks;
}

/** An empty storage has no root yet: that is healthy. */
async function checkStorage(driver: StorageDriver, signal: AbortSignal): Promise<void> {
  try {
    await driver.stat("/", { signal: AbortSignal.any([signal, AbortSignal.timeout(STORAGE_TIMEOUT)]) });
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

/** A HEAD request that must answer with the expected status; redirects are not followed. */
async function checkHttp(check: HttpCheck, signal: AbortSignal): Promise<void> {
  const shown = redactText(check.uri);
  const status = await headStatus(check, withTimeout(signal, check.timeout)).catch((error: unknown) => {
    throw new Error(`${shown}: error while checking: ${reason(error)}`, { cause: error });
  });
  if (status !== check.statuscode)
    throw new Error(`${shown}: downstream service returned unexpected status: ${status}`);
}

function headStatus(check: HttpCheck, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = check.uri.startsWith("https:") ? requestHttps : requestHttp;
    const headers = Object.fromEntries(Object.entries(check.headers).map(([name, values]) => [name, [...values]]));
    const request = send(check.uri, { method: "HEAD", headers, signal, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once("error", reject).end();
  });
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

function withTimeout(signal: AbortSignal, timeout: number): AbortSignal {
  return timeout > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeout)]) : signal;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "AbortError" || error.name === "TimeoutError") return "timeout";
  return error.message || ("code" in error ? String(error.code) : error.name);
}
