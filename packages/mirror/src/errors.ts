/** A repository that the configuration doesn't let this registry mirror: `allow` and `deny` of its upstream. */
export class NotMirroredError extends Error {
  override readonly name = "NotMirroredError";

  constructor(repository: string) {
    super(`${repository} may not be mirrored here; the registry's operator decides by proxy.upstreams' allow and deny`);
  }
}
