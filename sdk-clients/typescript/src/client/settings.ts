/** What the calls of a client share. */

import type { PayloadConverter } from "../payload.js";
import type { RetrySettings } from "./retry.js";

/** What the calls of a client share. */
export interface CallSettings {
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly retry: RetrySettings;
  readonly converter: PayloadConverter;
}
