import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import bcrypt from "bcryptjs";
import { z } from "zod";

/** What the pool asks. */
const question = z.object({ password: z.string(), hash: z.string() });

try {
  // On Linux this is the calling thread's alone: those who wait for a comparison wait longer before those who pull do.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // A sandbox that forbids it.
}

parentPort?.on("message", (message: unknown) => {
  const { password, hash } = question.parse(message);
  // This thread has nothing else to do: the synchronous form is the faster one.
  parentPort?.postMessage(bcrypt.compareSync(password, hash));
});
