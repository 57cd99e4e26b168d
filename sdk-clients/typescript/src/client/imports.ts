/** Transcripts from elsewhere, in the parts that a coordinator takes. */

import { create, toBinary } from "@bufbuild/protobuf";
import { toPbTime } from "../duration.js";
import { type ImportedMessage as PbImportedMessage, ImportedMessageSchema } from "../gen/everturn/v1/conversation_service_pb.js";
import { toPbAuthorKind, toPbContent } from "../message.js";
import type { PayloadConverter } from "../payload.js";
import type { ImportedMessage } from "./conversation-options.js";

/** Messages of a part. */
const PART_MESSAGES = 500;
/** Bytes of a part of more than one message. */
const PART_BYTES = 1024 * 1024;

/** The parts of a transcript, and where each begins; one at least, which opens the conversation. */
export async function* partsOf(
  messages: Iterable<ImportedMessage> | AsyncIterable<ImportedMessage>,
  converter: PayloadConverter,
): AsyncGenerator<{ messages: PbImportedMessage[]; afterSequence: bigint }, void, undefined> {
  let part: PbImportedMessage[] = [];
  let bytes = 0;
  let count = 0;
  for await (const message of messages) {
    const pb = toPbImported(message, converter);
    const size = toBinary(ImportedMessageSchema, pb).length;
    if (part.length === PART_MESSAGES || (part.length > 0 && bytes + size > PART_BYTES)) {
      yield { messages: part, afterSequence: BigInt(count) };
      count += part.length;
      part = [];
      bytes = 0;
    }
    part.push(pb);
    bytes += size;
  }
  if (part.length > 0 || count === 0) yield { messages: part, afterSequence: BigInt(count) };
}

function toPbImported(message: ImportedMessage, converter: PayloadConverter): PbImportedMessage {
  return create(ImportedMessageSchema, {
    authorKind: toPbAuthorKind(message.authorKind),
    authorName: message.authorName ?? "",
    channel: message.channel ?? "chat",
    providerMessageId: message.providerMessageId ?? "",
    content: toPbContent(message, converter),
    createTime: toPbTime(message.createTime.getTime()),
    customerAddress: message.customerAddress ?? "",
    isNote: message.isNote ?? false,
  });
}
