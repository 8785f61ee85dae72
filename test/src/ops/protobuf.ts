/** One field of a protobuf message: a number of up to 64 bits, or bytes (texts and messages within). */
export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** The fields of a message in their order. Throws for what is no protobuf. */
export function readFields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      if (shift > 63n) throw new Error("a number without an end");
    }
  }

  function take(length: number): Uint8Array {
    if (at + length > bytes.length) throw new Error("a field beyond the end");
    at += length;
    return bytes.subarray(at - length, at);
  }

  function value(type: number): bigint | Uint8Array {
    switch (type) {
      case 0:
        return varint();
      case 1:
        take(8);
        return view.getBigUint64(at - 8, true);
      case 2:
        return take(Number(varint()));
      case 5:
        take(4);
        return BigInt(view.getUint32(at - 4, true));
      default:
        throw new Error(`unknown wire type ${type}`);
    }
  }

  while (at < bytes.length) {
    const tag = Number(varint());
    fields.push({ number: tag >> 3, value: value(tag & 7) });
  }
  return fields;
}

/** All values of a field that has bytes. */
export function bytesOf(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && typeof field.value !== "bigint" ? [field.value] : []));
}

/** A text; empty where the field is absent. */
export function textOf(fields: readonly Field[], number: number): string {
  return new TextDecoder().decode(bytesOf(fields, number)[0] ?? new Uint8Array());
}

/** Bytes as hex digits; empty where the field is absent. */
export function hexOf(fields: readonly Field[], number: number): string {
  return Buffer.from(bytesOf(fields, number)[0] ?? new Uint8Array()).toString("hex");
}

/** A number; 0 where the field is absent, which is how protobuf writes 0. */
export function numberOf(fields: readonly Field[], number: number): bigint {
  for (const field of fields) if (field.number === number && typeof field.value === "bigint") return field.value;
  return 0n;
}
