import type { Repository } from "@longshore/storage";
import { isUpstreamError, UpstreamError, type UpstreamFault } from "../upstream/errors.js";

/** What errors say in place of the upstream's name and of its reasons. */
const HIDDEN = "the source of this repository";
const REASON = "the registry's log has the reason";

/** A repository whose errors tell nothing of where its content comes from; their causes do, for the log. */
export function hideUpstream({ name, blobs, uploads, manifests, tags, referrers }: Repository): Repository {
  return {
    name,
    uploads,
    blobs: {
      ...blobs,
      stat: (...call) => hidden(blobs.stat(...call)),
      open: (...call) => hidden(blobs.open(...call)),
    },
    manifests: { ...manifests, get: (...call) => hidden(manifests.get(...call)) },
    tags: {
      ...tags,
      resolve: (...call) => hidden(tags.resolve(...call)),
      list: (...call) => hidden(tags.list(...call)),
    },
    referrers: { list: (...call) => hidden(referrers.list(...call)) },
  };
}

async function hidden<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isUpstreamError(error) ? new UpstreamError(HIDDEN, withoutReason(error.fault), { cause: error }) : error;
  }
}

function withoutReason(fault: UpstreamFault): UpstreamFault {
  return "reason" in fault ? { ...fault, reason: REASON } : fault;
}
