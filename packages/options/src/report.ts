/** The path of a key in the configuration: `["http", "tls", "clientcas", 0]`. */
export type Path = readonly (string | number)[];

/** Collects findings about keys; the file's line or the variable is looked up by the path. No message holds a secret. */
export interface Report {
  /** Stops the start. */
  error(path: Path, message: string): void;
  /** Printed and logged. */
  warning(path: Path, message: string): void;
}
