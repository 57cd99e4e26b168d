/** Which errors of a connection do not heal by themselves. */

import type { RpcError } from "../errors.js";

/** What a broken handshake says: a wrong certificate, a port that speaks something else. */
const HANDSHAKE = /certificate|wrong version number|ssl|tls|handshake|protocol error|HTTP\/1|NGHTTP2/i;

/** Whether trying again helps only if somebody changes the worker's settings or the server. */
export function isLasting({ code, message }: RpcError): boolean {
  switch (code) {
    case "UNIMPLEMENTED":
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return true;
    case "UNAVAILABLE":
    case "INTERNAL":
    case "UNKNOWN":
      return HANDSHAKE.test(message);
    default:
      return false;
  }
}
