/** An answer with an error, as S3 words it. */
export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function noSuchKey(): S3Refusal {
  return new S3Refusal(404, "NoSuchKey", "The specified key does not exist.");
}

export function noSuchUpload(): S3Refusal {
  return new S3Refusal(404, "NoSuchUpload", "The specified multipart upload does not exist.");
}

export function invalidArgument(message: string): S3Refusal {
  return new S3Refusal(400, "InvalidArgument", message);
}

export function malformedXml(): S3Refusal {
  return new S3Refusal(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.");
}

export function preconditionFailed(): S3Refusal {
  return new S3Refusal(412, "PreconditionFailed", "At least one of the preconditions you specified did not hold.");
}

export function notImplemented(what: string): S3Refusal {
  return new S3Refusal(501, "NotImplemented", `The stand-in has no ${what}.`);
}
