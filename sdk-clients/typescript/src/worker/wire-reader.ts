/** Reads protobuf, field by field. */

/** Up to so many bytes a text is read here; beyond, the call into native code pays off. */
const SHORT_TEXT_MAX = 24;

/** What was read is not what the reader was made for: another one has to read it. */
export class UnexpectedWireError extends Error {
  override name = "UnexpectedWireError";
}

/** A position in a message, and where the message ends. */
export class WireReader {
  /** Number of the field whose value is next. */
  field = 0;
  /** Where the enclosing message ends. */
  end: number;
  #position = 0;
  #wireType = 0;

  constructor(private readonly buffer: Buffer) {
    this.end = buffer.length;
  }

  /** Goes on to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#position >= this.end) return false;
    const tag = this.#varint();
    this.field = tag >>> 3;
    this.#wireType = tag & 7;
    return true;
  }

  /** A value of type uint64, up to 2^53. */
  uint(): number {
    if (this.#wireType !== 0) throw new UnexpectedWireError();
    return this.#varint();
  }

  /** A value of type bytes; a view into what is read. */
  bytes(): Buffer {
    const length = this.#length();
    const start = this.#position;
    this.#position = start + length;
    return this.buffer.subarray(start, this.#position);
  }

  /** A value of type string. */
  text(): string {
    const length = this.#length();
    const start = this.#position;
    const end = (this.#position = start + length);
    if (length <= SHORT_TEXT_MAX) {
      let text = "";
      let at = start;
      for (; at < end; at += 1) {
        const byte = this.buffer[at];
        if (byte === undefined || byte > 0x7f) break;
        text += String.fromCharCode(byte);
      }
      if (at === end) return text;
    }
    return this.buffer.toString("utf8", start, end);
  }

  /** Steps into a message; gives what `leave` wants. */
  enter(): number {
    const outer = this.end;
    const length = this.#length();
    this.end = this.#position + length;
    return outer;
  }

  /** Steps out of a message that was read to its end. */
  leave(outer: number): void {
    this.end = outer;
  }

  /** Values of a repeated uint64, packed or not. */
  uints(into: bigint[]): void {
    if (this.#wireType === 0) {
      into.push(BigInt(this.#varint()));
      return;
    }
    const outer = this.enter();
    while (this.#position < this.end) into.push(BigInt(this.#varint()));
    this.leave(outer);
  }

  #length(): number {
    if (this.#wireType !== 2) throw new UnexpectedWireError();
    const length = this.#varint();
    if (this.#position + length > this.end) throw new UnexpectedWireError();
    return length;
  }

  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let size = 0; size < 7; size += 1) {
      const byte = this.buffer[this.#position];
      if (byte === undefined || this.#position >= this.end) throw new UnexpectedWireError();
      this.#position += 1;
      if (byte < 0x80) return value + byte * factor;
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    }
    const last = this.buffer[this.#position];
    // 53 bits: no more fits into a number.
    if (last === undefined || last > 0x0f) throw new UnexpectedWireError();
    this.#position += 1;
    return value + last * factor;
  }
}
