import type { Place } from "./read-document.js";

/** Findings about a docker_auth file, by the place in it. */
export interface Report {
  error(place: Place, message: string): void;
  warning(place: Place, message: string): void;
}

/** `acl[3].match.name`. */
export function formatPlace(place: Place): string {
  return place.reduce<string>(
    (path, step) => (typeof step === "number" ? `${path}[${step}]` : path === "" ? step : `${path}.${step}`),
    "",
  );
}
