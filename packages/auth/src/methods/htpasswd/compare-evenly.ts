import type { PasswordComparer } from "./bcrypt-pool.js";
import { bcryptCost, DEFAULT_COST, dummyHash } from "./password-list.js";

/**
 * Whether `password` is the one that `hash` was made of; false if there is no hash. Takes as long as one comparison at `cost`,
 * the highest of all accounts', whether or not the account exists and whatever its own cost: a hash of cost c and dummies of
 * cost c, c+1, … up to just below the highest take that long together. Otherwise the time would reveal which accounts exist. A
 * right password is answered at once.
 */
export async function compareEvenly(
  comparer: PasswordComparer,
  password: string,
  hash: string | undefined,
  cost: number,
  signal?: AbortSignal,
): Promise<boolean> {
  if (hash === undefined) {
    await comparer.compare(password, dummyHash(cost), signal);
    return false;
  }
  if (await comparer.compare(password, hash, signal)) return true;
  for (let step = bcryptCost(hash) ?? DEFAULT_COST; step < cost; step += 1)
    await comparer.compare(password, dummyHash(step), signal);
  return false;
}
