/**
 * Writes protobuf from the end to the beginning: by then the length of what was written is known, and
 * nothing has to be moved. Fields are therefore written in descending order.
 */

const FIRST_BYTES = 64 * 1024;
/** Larger buffers are not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;
/** Up to so many characters a text is written here; beyond, the call into native code pays off. */
const SHORT_TEXT_MAX = 24;

/** Wire types. */
const VARINT = 0;
const DELIMITED = 2;

/** A writer; the same one for one message after the other. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #start = FIRST_BYTES;

  /** Number of bytes so far; hand it to `close`. */
  get mark(): number {
    return this.#buffer.length - this.#start;
  }

  /** Takes what was written, and begins anew. */
  finish(): Buffer {
    const bytes = Buffer.allocUnsafe(this.mark);
    this.#buffer.copy(bytes, 0, this.#start);
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafe(FIRST_BYTES);
    this.#start = this.#buffer.length;
    return bytes;
  }

  /** Forgets what was written. */
  reset(): void {
    this.#start = this.#buffer.length;
  }

  /** What was written since a mark becomes the value of a field. */
  close(field: number, mark: number): void {
    this.varint(this.mark - mark);
    this.#tag(field, DELIMITED);
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
    this.#reserve(size);
    let at = (this.#start -= size);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#buffer[at] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
      at += 1;
    }
    while (rest >= 0x80) {
      this.#buffer[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
      at += 1;
    }
    this.#buffer[at] = rest;
  }

  /** A field of type uint64, uint32 or enum; 0 is left out. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.varint(value);
    this.#tag(field, VARINT);
  }

  /** A field of type bool; false is left out. */
  bool(field: number, value: boolean): void {
    if (value) this.uint(field, 1);
  }

  /** A field of type bytes, or a message that was written already. */
  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#start -= value.length;
    this.#buffer.set(value, this.#start);
    this.varint(value.length);
    this.#tag(field, DELIMITED);
  }

  /** A field of type string. */
  text(field: number, value: string): void {
    const { length } = value;
    if (length > SHORT_TEXT_MAX || !this.#ascii(value, length)) {
      const bytes = Buffer.byteLength(value);
      this.#reserve(bytes);
      this.#start -= bytes;
      this.#buffer.write(value, this.#start, bytes, "utf8");
      this.varint(bytes);
    } else {
      this.varint(length);
    }
    this.#tag(field, DELIMITED);
  }

  #ascii(value: string, length: number): boolean {
    this.#reserve(length);
    const start = this.#start - length;
    for (let index = 0; index < length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      this.#buffer[start + index] = unit;
    }
    this.#start = start;
    return true;
  }

  #tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#start) return;
    const used = this.mark;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + bytes + FIRST_BYTES));
    this.#buffer.copy(grown, grown.length - used, this.#start);
    this.#buffer = grown;
    this.#start = grown.length - used;
  }
}
