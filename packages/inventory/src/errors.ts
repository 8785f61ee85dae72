/** The `after` of a query isn't a cursor of the list and order that it is used for. */
export class CursorError extends Error {
  constructor() {
    super("this is not a cursor of a list in this order; begin again without one");
    this.name = "CursorError";
  }
}
