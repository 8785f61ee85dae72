import { fileCheck } from "./checks/file-check.js";
import { httpCheck } from "./checks/http-check.js";
import { storageCheck } from "./checks/storage-check.js";
import { tcpCheck } from "./checks/tcp-check.js";
import type { HealthCheckKind } from "./kind.js";

/** The health checks, in the order of the reference: a new one is a file and a line here. */
export const HEALTH_CHECK_KINDS: readonly HealthCheckKind[] = [storageCheck, fileCheck, httpCheck, tcpCheck];
