import type { Ask } from "@longshore/testkit/http-client";

/** What no registry takes, whatever it holds. */
export function nonsenseIn(name: string): readonly (readonly [ask: Ask, status: number, code: string])[] {
  const uploads = `/v2/${name}/blobs/uploads/`;
  const sha = `sha256:${"0".repeat(64)}`;
  return [
    [{ path: `/v2/${name}/blobs/sha256:abc` }, 400, "DIGEST_INVALID"],
    [{ path: `/v2/${name}/manifests/sha256:abc` }, 400, "DIGEST_INVALID"],
    [{ path: `/v2/${name}/manifests/md5:${"0".repeat(32)}` }, 400, "DIGEST_INVALID"],
    [{ path: `/v2/${name}/referrers/sha256:abc` }, 400, "DIGEST_INVALID"],
    [{ path: `/v2/${name}/tags/list?n=-1` }, 400, "PAGINATION_NUMBER_INVALID"],
    [{ path: "/v2/_catalog?n=many" }, 400, "PAGINATION_NUMBER_INVALID"],
    [{ method: "POST", path: `${uploads}?digest=sha256:abc`, body: "x" }, 400, "DIGEST_INVALID"],
    [{ method: "POST", path: `${uploads}?digest-algorithm=md5` }, 400, "DIGEST_INVALID"],
    [{ method: "PATCH", path: `${uploads}some-id`, body: "x" }, 404, "BLOB_UPLOAD_INVALID"],
    [{ method: "PUT", path: `${uploads}some-id?_state=AAAA&digest=${sha}` }, 404, "BLOB_UPLOAD_INVALID"],
    [{ path: `${uploads}some-id` }, 404, "BLOB_UPLOAD_UNKNOWN"],
    [{ method: "PATCH", path: uploads, body: "x" }, 404, "BLOB_UPLOAD_UNKNOWN"],
    [
      { method: "PUT", path: `/v2/${name}/manifests/x`, headers: { "content-type": "text/plain" }, body: "{}" },
      400,
      "MANIFEST_INVALID",
    ],
    [{ path: `/v2/${"a/".repeat(200)}a/tags/list` }, 400, "NAME_INVALID"],
    [{ path: "/v2/localhost:5000/x/tags/list" }, 400, "NAME_INVALID"],
  ];
}
