/** Errors of grpc-js, read as errors of this package. */

import { type Metadata, status } from "@grpc/grpc-js";
import { type RpcCode, RpcError } from "../errors.js";
import { readStatusDetails, type StatusDetails } from "./status-details.js";

/** Reads whatever a call threw. */
export function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const { code, details, metadata, message } = error as { code?: unknown; details?: unknown; metadata?: Metadata; message?: unknown };
  const name = (typeof code === "number" ? status[code] : undefined) as RpcCode | undefined;
  const text = typeof details === "string" && details !== "" ? details : String(message ?? error);
  return new RpcError(text, { code: name ?? "UNKNOWN", ...detailsOf(metadata) });
}

function detailsOf(metadata: Metadata | undefined): Partial<StatusDetails> {
  const [bytes] = metadata?.get("grpc-status-details-bin") ?? [];
  if (!Buffer.isBuffer(bytes)) return {};
  try {
    return readStatusDetails(bytes);
  } catch {
    // Details that cannot be read must not hide the error itself.
    return {};
  }
}
