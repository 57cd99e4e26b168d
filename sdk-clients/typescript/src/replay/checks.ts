/**
 * The rules for what code asks for, checked at the call. The numbers come from the table that the
 * coordinator is made from (`rules.ts`); it checks the same, for whoever does not.
 */

import { CommandError } from "../errors.js";
import { ATTACHMENTS, ID_BYTES, LABELS, OUTSIDE_BYTES, PAYLOAD_BYTES, REASON_BYTES, TITLE_BYTES, URI_BYTES } from "../rules.js";
import type { SendMessage } from "../gen/everturn/v1/command_pb.js";
import type { Attachment } from "../gen/everturn/v1/message_pb.js";

/** A character that names and attributes cannot hold. */
 
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Checks a name: 1 to 256 bytes, without control characters. */
export function checkedName(field: string, name: string): string {
  if (name === "") throw new CommandError("FIELD_INVALID", `${field} is empty`, field, ID_BYTES);
  return checkedOptionalName(field, name);
}

/** Checks a name that may be left out. */
export function checkedOptionalName(field: string, name: string): string {
  checkBytes(field, name, ID_BYTES);
  if (CONTROL.test(name)) throw new CommandError("FIELD_INVALID", `${field} holds a control character, such as a line break`, field);
  return name;
}

/** Checks the title of an approval. */
export function checkedTitle(title: string): string {
  if (title === "") throw new CommandError("FIELD_INVALID", "title is empty", "title", TITLE_BYTES);
  return checkBytes("title", title, TITLE_BYTES);
}

/** Checks a reason. */
export function checkedReason(reason: string): string {
  return checkBytes("reason", reason, REASON_BYTES);
}

/** Checks a message to the customer. */
export function checkedDraft(draft: SendMessage): SendMessage {
  checkedOptionalName("channel", draft.channel);
  checkedOptionalName("author", draft.authorName);
  const text = draft.content?.text ?? "";
  const data = draft.content?.data;
  const attachments = draft.content?.attachments ?? [];
  if (text === "" && data === undefined && attachments.length === 0 && draft.change.case !== "retractsSequence") {
    throw new CommandError("FIELD_INVALID", "content has neither text, data nor attachments", "content");
  }
  checkUnicode("content.text", text);
  let bytes = byteLength(text) + (data?.data.length ?? 0) + attachmentBytes(attachments);
  let count = 0;
  for (const [name, value] of Object.entries(draft.content?.attributes ?? {})) {
    count += 1;
    checkedName(`content.attributes.${name}`, name);
    checkBytes(`content.attributes.${name}`, value, OUTSIDE_BYTES);
    bytes += byteLength(name) + byteLength(value);
  }
  if (count > LABELS) throw tooMany("content.attributes", `has ${String(count)} entries`, LABELS);
  if (bytes > PAYLOAD_BYTES) throw tooMany("content", `has ${String(bytes)} bytes`, PAYLOAD_BYTES);
  return draft;
}

/** Checks attachments; gives what they count. */
function attachmentBytes(attachments: readonly Attachment[]): number {
  if (attachments.length > ATTACHMENTS) throw tooMany("content.attachments", `has ${String(attachments.length)} entries`, ATTACHMENTS);
  let bytes = 0;
  for (const { uri, mediaType, name, sha256 } of attachments) {
    const field = "content.attachments";
    if (uri === "") throw new CommandError("FIELD_INVALID", `${field}: an attachment has no uri`, `${field}.uri`, URI_BYTES);
    checkBytes(`${field}.uri`, uri, URI_BYTES);
    checkedOptionalName(`${field}.mediaType`, mediaType);
    checkBytes(`${field}.name`, name, OUTSIDE_BYTES);
    if (sha256.length !== 0 && sha256.length !== 32) {
      throw new CommandError("FIELD_INVALID", `${field}.sha256 has ${String(sha256.length)} bytes, not 32`, `${field}.sha256`, 32);
    }
    bytes += byteLength(uri) + byteLength(mediaType) + byteLength(name) + sha256.length;
  }
  return bytes;
}

/** What is beyond a limit. */
export function tooMany(field: string, found: string, limit: number): CommandError {
  return new CommandError("LIMIT_EXCEEDED", `${field} ${found}, at most ${String(limit)}`, field, limit);
}

/** Bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

function checkBytes(field: string, text: string, max: number): string {
  checkUnicode(field, text);
  // A UTF-16 unit takes three bytes at most.
  if (text.length * 3 > max) {
    const bytes = byteLength(text);
    if (bytes > max) throw new CommandError("FIELD_INVALID", `${field} has ${String(bytes)} bytes, at most ${String(max)}`, field, max);
  }
  return text;
}

function checkUnicode(field: string, text: string): void {
  if (!text.isWellFormed()) throw new CommandError("FIELD_INVALID", `${field} holds a lone surrogate, which is no text`, field);
}
