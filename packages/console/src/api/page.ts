/** A page of a list: `next` is the `last` of the following one, absent on the final one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly next: string | undefined;
}
