import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";

try {
  // On Linux this is the calling thread's alone: those who wait for a comparison wait longer before those who pull do.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // A sandbox that forbids it.
}

/** What the pool asks. */
function isQuestion(message: unknown): message is { readonly password: string; readonly hash: string } {
  if (typeof message !== "object" || message === null) return false;
  if (!("password" in message) || !("hash" in message)) return false;
  return typeof message.password === "string" && typeof message.hash === "string";
}

parentPort?.on("message", (message: unknown) => {
  if (!isQuestion(message)) throw new TypeError("a question is a password and a hash");
  // This thread has nothing else to do: the synchronous form is the faster one.
  parentPort?.postMessage(bcrypt.compareSync(message.password, message.hash));
});
