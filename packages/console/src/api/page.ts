/** A page of a list: `next` is the `last` of the following one, absent on the final one. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined while the registry doesn't know it: the next page says it. */
  readonly total: number | undefined;
  readonly next: string | undefined;
}
