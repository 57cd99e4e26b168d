/** Files that go with messages. */

import { type Attachment as PbAttachment } from "./gen/everturn/v1/message_pb.js";

/** A file that goes with a message; its bytes are where `uri` says. */
export interface Attachment {
  /** Where its bytes are. 1 byte to 8 KiB. */
  readonly uri: string;
  /** Media type (`"image/png"`). At most 256 bytes. */
  readonly mediaType?: string;
  /** File name. At most 2 KiB. */
  readonly name?: string;
  /** Number of bytes, if it is known. */
  readonly size?: number;
  /** SHA-256 of its bytes, if it is known. */
  readonly sha256?: Uint8Array;
}

/** Reads an attachment. */
export function fromPbAttachment({ uri, mediaType, name, size, sha256 }: PbAttachment): Attachment {
  return {
    uri,
    ...(mediaType === "" ? {} : { mediaType }),
    ...(name === "" ? {} : { name }),
    ...(size === 0n ? {} : { size: Number(size) }),
    ...(sha256.length === 0 ? {} : { sha256 }),
  };
}

/** Writes an attachment. */
export function toPbAttachment({ uri, mediaType = "", name = "", size = 0, sha256 = new Uint8Array() }: Attachment): PbAttachment {
  return { $typeName: "everturn.v1.Attachment", uri, mediaType, name, size: BigInt(size), sha256 };
}
