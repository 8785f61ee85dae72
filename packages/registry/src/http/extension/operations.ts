import { JOBS } from "../../maintenance/run.js";
import { operation, type Operation } from "./operation.js";

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
      id: "deleteTags",
      method: "DELETE",
      path: "/v2/{name}/_longshore/repository/tags",
      summary: "Delete the tags that match a pattern, or say which they are",
      details:
        "The manifests stay until a collection removes those without a tag. A tag that is moved to another manifest meanwhile stays. Refused with 405 unless `storage.delete.enabled`.",
      needs: "repository",
      status: 200,
      answer: "TagRemoval",
      parameters: {
        match: {
          kind: "text",
          isRequired: true,
          meaning: "Which tags: `*` stands for any characters, `?` for one. The whole tag must match.",
        },
        dryrun: { kind: "flag", meaning: "Only say what would be deleted." },
        last: { kind: "text", meaning: "Go on after this tag." },
      },
    },
    async () => (await import("./handlers/delete-tags.js")).deleteTags,
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
        job: { kind: JOBS, isRequired: true, meaning: "`collection`: remove what no manifest refers to." },
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
