import { CATALOG_ACCESS, NO_ACCESS, repositoryAccess, type Route } from "./route.js";
import { EXTENSION_ROUTES } from "./extension/routes.js";
import { versionCheck } from "./handlers/version-check.js";
import { deleteBlob, getBlob } from "./handlers/blobs.js";
import { listRepositories } from "./handlers/catalog.js";
import { deleteManifest, getManifest } from "./handlers/manifests.js";
import { putManifest } from "./handlers/push-manifest.js";
import { listReferrers } from "./handlers/referrers.js";
import { listTags } from "./handlers/tags.js";
import { issueToken } from "./handlers/token.js";
import { deleteUpload, getUpload, patchUpload, putUpload, withoutSession } from "./handlers/upload-session.js";
import { startUpload } from "./handlers/uploads.js";

/** The realm in the challenges of our own token endpoint. */
const TOKEN_PATH = "/auth/token";

/** Every route, beginning with those used by pulls. */
export const ROUTES: readonly Route[] = [
  {
    name: "manifest",
    path: "/v2/{name}/manifests/{reference}",
    accesses: repositoryAccess,
    handlers: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  },
  {
    name: "blob",
    path: "/v2/{name}/blobs/{digest}",
    accesses: repositoryAccess,
    handlers: { GET: getBlob, HEAD: getBlob, DELETE: deleteBlob },
  },
  {
    name: "blob-upload-chunk",
    path: "/v2/{name}/blobs/uploads/{uuid}",
    accesses: repositoryAccess,
    mounts: true,
    handlers: {
      GET: getUpload,
      HEAD: getUpload,
      POST: startUpload,
      PATCH: patchUpload,
      PUT: putUpload,
      DELETE: deleteUpload,
    },
  },
  {
    name: "blob-upload",
    path: "/v2/{name}/blobs/uploads/",
    accesses: repositoryAccess,
    mounts: true,
    handlers: {
      GET: withoutSession,
      HEAD: withoutSession,
      POST: startUpload,
      PATCH: withoutSession,
      PUT: withoutSession,
      DELETE: withoutSession,
    },
  },
  {
    name: "referrers",
    path: "/v2/{name}/referrers/{digest}",
    accesses: repositoryAccess,
    handlers: { GET: listReferrers, HEAD: listReferrers },
  },
  { name: "tags", path: "/v2/{name}/tags/list", accesses: repositoryAccess, handlers: { GET: listTags } },
  { name: "catalog", path: "/v2/_catalog", accesses: () => CATALOG_ACCESS, handlers: { GET: listRepositories } },
  { name: "base", path: "/v2/", accesses: () => NO_ACCESS, handlers: versionCheck },
  // Served only where the access controller issues tokens. The first path is docker_auth's, which registries may have as their realm.
  { name: "token", path: "/auth", accesses: "own", handlers: { GET: issueToken, POST: issueToken } },
  { name: "token", path: TOKEN_PATH, accesses: "own", handlers: { GET: issueToken, POST: issueToken } },
  ...EXTENSION_ROUTES,
];
