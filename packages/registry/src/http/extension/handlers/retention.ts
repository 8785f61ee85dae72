import { ApiError } from "../../../errors/api-error.js";
import type { Exchange } from "../../exchange.js";
import { nextLink } from "../../headers/pagination.js";
import { answer } from "./answer.js";

interface Query {
  readonly removed: boolean | undefined;
  readonly n: number | undefined;
  readonly last: string | undefined;
}

const PAGE = 50;

/** `GET /v2/<name>/_longshore/repository/retention`. */
export async function showRetention(exchange: Exchange, { removed = false, n = PAGE, last }: Query): Promise<void> {
  const { repository, shared, signal } = exchange;
  if (shared.retention === undefined) {
    throw new ApiError("UNSUPPORTED", { detail: "the registry keeps no inventory: inventory.enabled turns it on" });
  }
  const { name } = repository;
  const fates = await shared.retention(name, signal);
  if (fates === undefined) {
    const leftAlone = "a manifest can't be read, so that nobody knows what it needs";
    answer<"Retention">(exchange, 200, { name, kept: 0, removed: 0, tags: [], leftAlone });
    return;
  }
  const kept = fates.filter((fate) => fate.kept).length;
  const listed = fates.filter((fate) => (!removed || !fate.kept) && (last === undefined || fate.tag > last));
  const shown = listed.slice(0, n);
  const next = listed.length > shown.length ? shown.at(-1)?.tag : undefined;
  const tags = shown.map(({ tag, digest, kept: stays, rule, reason }) => ({
    tag,
    digest,
    kept: stays,
    ...(rule === undefined ? {} : { rule }),
    reason,
  }));
  const counts = { kept, removed: fates.length - kept };
  const link = { removed: removed ? "true" : undefined, n, last: next };
  answer<"Retention">(
    exchange,
    200,
    { name, ...counts, tags, ...(next === undefined ? {} : { next }) },
    next === undefined ? [] : ["Link", nextLink(exchange.path, link)],
  );
}
