import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";

try {
  // On Linux this is the calling thread's alone: those who wait for a comparison wait longer before those who pull do.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // A sandbox that forbids it.
}

parentPort?.on("message", (message: unknown) => {
  if (!Array.isArray(message)) throw new TypeError("not a question");
  const [password, hash]: unknown[] = message;
  if (typeof password !== "string" || typeof hash !== "string") throw new TypeError("not a question");
  // This thread has nothing else to do: the synchronous form is the faster one.
  parentPort?.postMessage(bcrypt.compareSync(password, hash));
});
