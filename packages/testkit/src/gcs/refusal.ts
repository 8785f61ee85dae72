/** An answer with an error. */
export class GcsRefusal extends Error {
  readonly status: number;
  /** The JSON API's `reason`, or the XML API's `Code`. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function invalid(message: string): GcsRefusal {
  return new GcsRefusal(400, "invalid", message);
}

export function noSuchObject(bucket: string, name: string): GcsRefusal {
  return new GcsRefusal(404, "notFound", `No such object: ${bucket}/${name}`);
}

export function conditionNotMet(): GcsRefusal {
  return new GcsRefusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
}
