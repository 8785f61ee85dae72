import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "@longshore/base/backoff";
import { judgeQuota, type QuotaScope } from "@longshore/policy";
import { isDigest, type Digest, type RecordStore } from "@longshore/storage";
import { z } from "zod";
import { ApiError } from "../errors/api-error.js";
import { amountsOf, isEmpty, union, without, type Holdings } from "./holdings.js";
import { sayAmount, sayUsed } from "./say.js";

/** Room that pushes have taken before they are in the storage (docs/protocols/quota.md). */
export interface Reservations {
  /**
   * Takes room for `wanted` in `scope` for at most `lifetime` ms, or with `heldFor` until it counts as stored. Throws DENIED if there isn't enough, and UNAVAILABLE if too many
   * pushes want some at the same time.
   */
  take(scope: QuotaScope, wanted: Holdings, options: ReservationOptions): Promise<Reservation>;
}

interface ReservationOptions {
  /** ms */
  readonly lifetime: number;
  /** The repository of a blob that no manifest refers to yet: it counts as stored when one does. */
  readonly heldFor?: string | undefined;
}

export interface Reservation {
  /** What the push brings close to a limit, for people; undefined if nothing. */
  readonly warning: string | undefined;
  /** Call when the storage has what was wanted, or won't. Never throws: what isn't returned expires. */
  release(): Promise<void>;
}

export interface ReservationPorts {
  readonly records: RecordStore;
  /** What is in the storage below a prefix, every acknowledged push included. */
  readonly holdings: (prefix: string) => Promise<Holdings>;
  /** ms since 1970. */
  readonly now?: () => number;
}

/** How long a push waits for others that change the same record (ms). */
const PATIENCE = 20_000;
const PAUSE = { first: 2, longest: 200 };

const pendingSchema = z.object({
  id: z.string(),
  expires: z.number(),
  /** The repository of a blob that no manifest refers to yet. */
  heldFor: z.string().optional(),
  parts: z.array(z.tuple([z.string(), z.number()])),
  tags: z.array(z.string()),
  repositories: z.array(z.string()),
});
type Pending = z.infer<typeof pendingSchema>;

/**
 * `nonce` makes the record another one with each change: object storage compares contents, and must not take a record from which what
 * came meanwhile is gone again for one that hasn't changed.
 */
const recordSchema = z.object({ nonce: z.string(), pending: z.array(pendingSchema) });

export function openReservations({ records, holdings, now = Date.now }: ReservationPorts): Reservations {
  /** One at a time for each record: those of one process needn't contend in the storage. */
  const turns = new Map<string, Promise<unknown>>();

  function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => undefined).finally(() => turns.get(name) === settled && turns.delete(name));
    turns.set(name, settled);
    return turn;
  }

  /** Replaces what is pending by what `change` makes of it, which is called again if another process was faster. */
  async function update(
    name: string,
    change: (pending: readonly Pending[]) => Promise<readonly Pending[]>,
  ): Promise<void> {
    const deadline = now() + PATIENCE;
    for (let failures = 1; ; failures += 1) {
      const record = await records.read(name);
      const pending = record === undefined ? [] : parsePending(record.value);
      const open = await change(pending.filter(({ expires }) => expires > now()));
      const next = Buffer.from(JSON.stringify({ nonce: randomUUID(), pending: open }));
      const isWritten =
        record === undefined ? await records.create(name, next) : await records.replace(name, next, record.version);
      if (isWritten) return;
      if (now() > deadline) {
        throw new ApiError("UNAVAILABLE", {
          detail: "too many pushes count against one quota at the same time; try again",
          headers: { "Retry-After": "5" },
        });
      }
      await sleep(backoff(PAUSE, failures, 1, Math.random()));
    }
  }

  return {
    take(scope, wanted, { lifetime, heldFor }) {
      const name = recordOf(scope);
      return inTurn(name, async () => {
        const id = randomUUID();
        let warning: string | undefined;
        await update(name, async (pending) => {
          // In this order: a push that has left the record by now is in the storage, and one that leaves it later changes the record.
          const stored = await holdings(scope.prefix);
          const used = union([stored, ...pending.map(holdingsOf)]);
          const added = without(wanted, used);
          warning = check(scope, used, union([used, added]));
          const open = pending.filter(
            (each) => each.heldFor === undefined || !isEmpty(without(holdingsOf(each), stored)),
          );
          if (heldFor !== undefined) checkHeld(open, heldFor);
          // All that is wanted, even if it is stored: a delete may take that away before this push relies on it.
          return [...open, { id, expires: now() + lifetime, heldFor, ...encode(wanted) }];
        });
        return {
          warning,
          release: () =>
            inTurn(name, () =>
              update(name, (pending) => Promise.resolve(pending.filter((each) => each.id !== id))),
            ).catch(() => undefined),
        };
      });
    },
  };
}

/** Blobs that wait for a manifest, in one repository and below one prefix: the record is read and written by every push. */
const MOST_HELD = { repository: 500, prefix: 5000 };

/** Throws TOOMANYREQUESTS. */
function checkHeld(pending: readonly Pending[], repository: string): void {
  const held = pending.filter(({ heldFor }) => heldFor !== undefined);
  const here = held.filter(({ heldFor }) => heldFor === repository);
  if (here.length < MOST_HELD.repository && held.length < MOST_HELD.prefix) return;
  throw new ApiError("TOOMANYREQUESTS", {
    message: "too many layers wait for a manifest that refers to them; push the manifests first",
    headers: { "Retry-After": "60" },
  });
}

function recordOf({ rule, prefix }: QuotaScope): string {
  return `quota/${createHash("sha256").update(`${rule.name}\n${prefix}`).digest("hex").slice(0, 32)}`;
}

function parsePending(bytes: Uint8Array): readonly Pending[] {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(Buffer.from(bytes).toString("utf8")));
    return parsed.success ? parsed.data.pending : [];
  } catch {
    return [];
  }
}

function encode({ parts, tags, repositories }: Holdings): Pick<Pending, "parts" | "tags" | "repositories"> {
  return { parts: [...parts], tags: [...tags], repositories: [...repositories] };
}

function holdingsOf({ parts, tags, repositories }: Pick<Pending, "parts" | "tags" | "repositories">): Holdings {
  const known = parts.flatMap(([digest, size]): [Digest, number][] => (isDigest(digest) ? [[digest, size]] : []));
  return { parts: new Map(known), tags: new Set(tags), repositories: new Set(repositories) };
}

/** Throws DENIED; otherwise a warning if a limit is near. */
function check({ rule, prefix }: QuotaScope, used: Holdings, after: Holdings): string | undefined {
  const [before, then] = [amountsOf(used), amountsOf(after)];
  const verdict = judgeQuota(rule, before, then);
  if (verdict.kind === "exceeded") {
    const { measure, limit } = verdict;
    const more = sayAmount(measure, then[measure] - before[measure]);
    throw quotaExceeded({
      message: `the quota "${rule.name}" of ${prefix} allows ${sayAmount(measure, limit)}: ${sayUsed(measure, before[measure])}, and this push would add ${more}; delete tags that aren't needed, or ask for more`,
      detail: { quota: rule.name, prefix, measure, used: before[measure], allowed: limit },
    });
  }
  const [near] = verdict.near;
  const limit = near === undefined ? undefined : rule[near];
  if (near === undefined || limit === undefined) return undefined;
  return `the quota "${rule.name}" of ${prefix} allows ${sayAmount(near, limit)}, of which ${sayUsed(near, then[near])}`;
}

/** The refusal of a push that doesn't fit. */
export function quotaExceeded({ message, detail }: { readonly message: string; readonly detail: object }): ApiError {
  return new ApiError("DENIED", { message, detail });
}
