/** There is no configuration to check: no path was given, or the file can't be read. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  /** Whether the command line is at fault, so that printing its usage helps. */
  readonly usage: boolean;

  constructor(message: string, usage = false) {
    super(message);
    this.usage = usage;
  }
}
