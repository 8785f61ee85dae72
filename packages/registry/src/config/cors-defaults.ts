/** The methods of the API. */
export const API_METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** The request headers that the API's clients send. */
export const API_REQUEST_HEADERS: readonly string[] = [
  "Accept",
  "Authorization",
  "Cache-Control",
  "Content-Range",
  "Content-Type",
  "If-None-Match",
  "Range",
];
