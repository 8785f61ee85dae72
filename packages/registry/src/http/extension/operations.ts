import { REPOSITORY_SORTS, TAG_SORTS } from "@longshore/inventory/contract";
import { JOBS } from "../../maintenance/run.js";
import { operation, type Operation } from "./operation.js";

/** Parameters of operations that go through the tags of a repository. */
const TAGS_OF = {
  match: {
    kind: "text",
    meaning: "Only tags that match: `*` stands for any characters, `?` for one; at most 16 of both in 128 characters.",
  },
  last: { kind: "text", meaning: "Go on after this tag." },
} as const;

/** Parameters of copies and moves. */
const COPY_PARAMETERS = {
  from: { kind: "text", isRequired: true, meaning: "The repository that has the tags." },
  tag: { kind: "text", meaning: "One tag. Without it, those that match `match`." },
  as: { kind: "text", meaning: "What `tag` is called in the target." },
  ...TAGS_OF,
  dryrun: { kind: "flag", meaning: "Only say which tags they are." },
} as const;

/** Parameters of sorted lists. */
const LIST_PARAMETERS = {
  search: { kind: "text", meaning: "Only names that contain this text, in any case." },
  descending: { kind: "flag", meaning: "Largest, newest or last name first." },
  n: { kind: "count", meaning: "The most items of a page; 50 by default." },
  last: { kind: "text", meaning: "The `next` of the previous page." },
} as const;

/** Everything that the registry serves beyond the specification's endpoints, in its extension form (distribution-spec §Extensions). */
export const OPERATIONS: readonly Operation[] = [
  operation(
    {
      id: "discover",
      method: "GET",
      path: "/v2/_oci/ext/discover",
      summary: "List the extensions of the registry",
      needs: "login",
      status: 200,
      answer: "Extensions",
      parameters: {},
    },
    async () => {
      const { discover } = await import("./handlers/discover.js");
      return (exchange) => discover(exchange, OPERATIONS);
    },
  ),
  operation(
    {
      id: "discoverRepository",
      method: "GET",
      path: "/v2/{name}/_oci/ext/discover",
      summary: "List the extensions of a repository",
      needs: "repository",
      status: 200,
      answer: "Extensions",
      parameters: {},
    },
    async () => {
      const { discover } = await import("./handlers/discover.js");
      return (exchange) => discover(exchange, OPERATIONS);
    },
  ),
  operation(
    {
      id: "describeApi",
      method: "GET",
      path: "/v2/_longshore/api/openapi",
      summary: "Describe this API (OpenAPI 3.1)",
      needs: "login",
      status: 200,
      answer: "OpenApi",
      parameters: {},
    },
    async () => {
      const { describeApi } = await import("./handlers/openapi.js");
      return (exchange) => describeApi(exchange, OPERATIONS);
    },
  ),
  operation(
    {
      id: "showImage",
      method: "GET",
      path: "/v2/{name}/_longshore/repository/images/{reference}",
      summary: "Show a manifest, with what its config says: platform, environment, history and layers",
      details: "Doesn't count as a pull.",
      needs: "repository",
      status: 200,
      answer: "Image",
      parameters: {},
    },
    async () => (await import("./handlers/image.js")).showImage,
  ),
  operation(
    {
      id: "listFiles",
      method: "GET",
      path: "/v2/{name}/_longshore/repository/files/{digest}",
      summary: "List the files in a layer",
      details:
        "A layer of eStargz or zstd:chunked has a table of its files, which is read in place of it; `table` says so. That is what whoever made the image says: clients that unpack the tar may find something else. Any other layer is read and unpacked: at most 50,000 entries of 8 GiB, with 16 MiB of PAX headers and long names, for 20 seconds; `cutBy` says what ended the list early. So is one whose table is damaged, has more than 16 MiB (unpacked, 64 MiB), takes longer than 5 seconds, or isn't the one that annotations name. At most two layers at a time in each process; more are refused with 429, and what is no tar with 422, as are layers compressed with zstd before Node 22.15. Doesn't count as a pull.",
      needs: "repository",
      status: 200,
      answer: "LayerFiles",
      parameters: {
        manifest: {
          kind: "text",
          meaning:
            "The digest of a manifest of the repository that has this layer: what its annotations say of the table must be true.",
        },
        table: { kind: "flag", meaning: "`false` reads the layer itself, whether or not it has a table." },
      },
    },
    async () => (await import("./handlers/layer-files.js")).listLayerFiles,
  ),
  operation(
    {
      id: "deleteTags",
      method: "DELETE",
      path: "/v2/{name}/_longshore/repository/tags",
      summary: "Delete the tags that match a pattern, or say which they are",
      details:
        "The manifests stay until a collection removes those without a tag. A tag that is moved to another manifest meanwhile stays. Refused with 405 unless `storage.delete.enabled`.",
      needs: "tags",
      status: 200,
      answer: "TagRemoval",
      parameters: {
        ...TAGS_OF,
        match: { ...TAGS_OF.match, isRequired: true },
        dryrun: { kind: "flag", meaning: "Only say which tags they are." },
      },
    },
    async () => (await import("./handlers/delete-tags.js")).deleteTags,
  ),
  operation(
    {
      id: "copyTags",
      method: "POST",
      path: "/v2/{name}/_longshore/repository/copies",
      summary: "Copy tags from another repository, with all that they refer to and their referrers",
      details: "No bytes are copied. A tag that the target has already points where the source's points.",
      needs: "repository",
      status: 200,
      answer: "Copy",
      parameters: COPY_PARAMETERS,
    },
    async () => (await import("./handlers/copy-tags.js")).copyTags,
  ),
  operation(
    {
      id: "moveTags",
      method: "POST",
      path: "/v2/{name}/_longshore/repository/moves",
      summary: "Move tags from another repository: copy them, then delete those that still point there",
      details: "Refused with 405 unless `storage.delete.enabled`.",
      needs: "move",
      status: 200,
      answer: "Copy",
      parameters: COPY_PARAMETERS,
    },
    async () => (await import("./handlers/copy-tags.js")).moveTags,
  ),
  operation(
    {
      id: "deleteRepository",
      method: "DELETE",
      path: "/v2/{name}/_longshore/repository/contents",
      summary: "Delete a repository: its tags, manifests and upload sessions",
      details:
        "Repositories below it stay. Bytes that nothing else refers to are removed by the next collection. Refused with 405 unless `storage.delete.enabled`, and if one of its tags is immutable.",
      needs: "repository",
      status: 200,
      answer: "RepositoryRemoval",
      parameters: {},
    },
    async () => (await import("./handlers/delete-repository.js")).deleteRepository,
  ),
  operation(
    {
      id: "showRepository",
      method: "GET",
      path: "/v2/{name}/_longshore/repository/usage",
      summary: "Say how large a repository is, and when it was last pushed to and pulled from",
      needs: "repository",
      status: 200,
      answer: "Repository",
      parameters: {},
    },
    async () => (await import("./handlers/inventory.js")).showRepository,
  ),
  operation(
    {
      id: "listTags",
      method: "GET",
      path: "/v2/{name}/_longshore/repository/tags",
      summary: "List tags with their platforms, sizes and times",
      needs: "tags",
      status: 200,
      answer: "Tags",
      parameters: {
        ...LIST_PARAMETERS,
        sort: {
          kind: TAG_SORTS,
          meaning: "`name` by default. `version` compares numbers: 1.9 comes before 1.10.",
        },
      },
    },
    async () => (await import("./handlers/inventory.js")).listTags,
  ),
  operation(
    {
      id: "showRetention",
      method: "GET",
      path: "/v2/{name}/_longshore/repository/retention",
      summary: "Say what `policy.retention` would do with each tag now, by which rule, and why",
      details:
        "Nothing is removed. Of the configuration with which the registry runs, whether or not it does so on a schedule.",
      needs: "repository",
      status: 200,
      answer: "Retention",
      parameters: {
        removed: { kind: "flag", meaning: "Only tags that would go." },
        n: LIST_PARAMETERS.n,
        last: LIST_PARAMETERS.last,
      },
    },
    async () => (await import("./handlers/retention.js")).showRetention,
  ),
  operation(
    {
      id: "listReferrers",
      method: "GET",
      path: "/v2/{name}/_longshore/repository/referrers/{digest}",
      summary: "List what refers to a manifest: signatures, SBOMs, attestations",
      needs: "repository",
      status: 200,
      answer: "Referrers",
      parameters: {},
    },
    async () => (await import("./handlers/inventory.js")).listReferrers,
  ),
  operation(
    {
      id: "listRepositories",
      method: "GET",
      path: "/v2/_longshore/catalog/repositories",
      summary: "List repositories with their sizes and times",
      needs: "catalog",
      status: 200,
      answer: "Repositories",
      parameters: {
        ...LIST_PARAMETERS,
        sort: { kind: REPOSITORY_SORTS, meaning: "`name` by default." },
        uncounted: {
          kind: "flag",
          meaning:
            "Don't wait until all repositories are known, which may take seconds: the first page by name, without a search, then has no `total`.",
        },
      },
    },
    async () => (await import("./handlers/inventory.js")).listRepositories,
  ),
  operation(
    {
      id: "watchActivity",
      method: "GET",
      path: "/v2/_longshore/catalog/activity",
      summary: "Watch pushes, pulls, deletes and refused logins as they happen (server-sent events)",
      details:
        "Only of repositories that the caller may pull; who did it, and refused logins, only for those who have `registry:maintenance:*`. The events `activity` have this schema; `missed`: some are missing here; `end`: the registry ends the stream, and `reason` says why. `Last-Event-ID` goes on after an event of the last minute. Refused with 429 where `activity.streams` are open.",
      needs: "catalog",
      status: 200,
      answer: "ActivityEvent",
      media: "text/event-stream",
      parameters: {},
    },
    async () => (await import("./handlers/activity.js")).watchActivity,
  ),
  operation(
    {
      id: "showUsage",
      method: "GET",
      path: "/v2/_longshore/maintenance/usage",
      summary: "Say what the registry, or the repositories below a prefix, take in the storage",
      needs: "maintenance",
      status: 200,
      answer: "Usage",
      parameters: { prefix: { kind: "text", meaning: "`team` means the repository `team` and those below `team/`." } },
    },
    async () => (await import("./handlers/inventory.js")).showUsage,
  ),
  operation(
    {
      id: "showUsageHistory",
      method: "GET",
      path: "/v2/_longshore/maintenance/history",
      summary: "Say what the registry took on the days on which that was counted",
      details: "Oldest first, of the last `inventory.historydays`. A day has the last count that somebody asked for.",
      needs: "maintenance",
      status: 200,
      answer: "UsageHistory",
      parameters: {},
    },
    async () => (await import("./handlers/inventory.js")).showUsageHistory,
  ),
  operation(
    {
      id: "showStatus",
      method: "GET",
      path: "/v2/_longshore/maintenance/status",
      summary: "Say how the registry does: health, processes, storage, caches, notifications and upstreams",
      details: "Of all its processes; other replicas say so of themselves. Nothing in it is secret.",
      needs: "maintenance",
      status: 200,
      answer: "Status",
      parameters: {},
    },
    async () => (await import("./handlers/status.js")).showStatus,
  ),
  operation(
    {
      id: "showConfiguration",
      method: "GET",
      path: "/v2/_longshore/maintenance/configuration",
      summary: "Say what the registry runs with, and where each value comes from",
      details:
        "Secrets, and what may hold one, have no value. Of the file and the variables that the registry was started with; access rules are among them.",
      needs: "maintenance",
      status: 200,
      answer: "Configuration",
      parameters: {},
    },
    async () => (await import("./handlers/configuration.js")).showConfiguration,
  ),
  operation(
    {
      id: "startRun",
      method: "POST",
      path: "/v2/_longshore/maintenance/runs",
      summary: "Start a job now, or find the run that is on",
      details:
        "The answer has status 202 and the run, whose `Location` says how it goes. Refused with 405 unless `storage.delete.enabled`, except for a dry run.",
      needs: "maintenance",
      status: 202,
      answer: "Run",
      parameters: {
        job: {
          kind: JOBS,
          isRequired: true,
          meaning:
            "`collection`: remove what no manifest refers to. `retention`: remove tags that `policy.retention` doesn't keep.",
        },
        dryrun: { kind: "flag", meaning: "Only find out what it would do." },
      },
    },
    async () => (await import("./handlers/runs.js")).startRun,
  ),
  operation(
    {
      id: "listRuns",
      method: "GET",
      path: "/v2/_longshore/maintenance/runs",
      summary: "List the latest runs of jobs, newest first, of all replicas",
      needs: "maintenance",
      status: 200,
      answer: "Runs",
      parameters: {},
    },
    async () => (await import("./handlers/runs.js")).listRuns,
  ),
  operation(
    {
      id: "showRun",
      method: "GET",
      path: "/v2/_longshore/maintenance/runs/{uuid}",
      summary: "Say how a run goes",
      details: "Its progress is written down every few seconds.",
      needs: "maintenance",
      status: 200,
      answer: "Run",
      parameters: {},
    },
    async () => (await import("./handlers/runs.js")).showRun,
  ),
];
