import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";

try {
  // On Linux this only affects the calling thread: under load, logins are delayed before pulls are.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // A sandbox may forbid it.
}

/** A question of the pool. */
function isQuestion(message: unknown): message is { readonly password: string; readonly hash: string } {
  if (typeof message !== "object" || message === null) return false;
  if (!("password" in message) || !("hash" in message)) return false;
  return typeof message.password === "string" && typeof message.hash === "string";
}

parentPort?.on("message", (message: unknown) => {
  if (!isQuestion(message)) throw new TypeError("expected a password and a hash");
  // This thread has nothing else to do, and the synchronous form is faster.
  parentPort?.postMessage(bcrypt.compareSync(message.password, message.hash));
});
