/** What a run is made of: its code, its name, its settings; and what it wants. */

import type { Conversation } from "../conversation.js";
import type { Command } from "../gen/everturn/v1/command_pb.js";
import type { Logger } from "../logger.js";
import type { PayloadConverter } from "../payload.js";
import type { Workflow } from "../workflow.js";

/** Code that a run can have. The types of input and output are checked where it is defined. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any workflow will do here
export type Program = Workflow<any, any> | Conversation;

/** Which run it is. */
export interface RunIdentity {
  readonly workflowId: string;
  readonly runId: string;
}

/** What all runs of a worker share. */
export interface RunSettings {
  readonly converter: PayloadConverter;
  readonly logger: Logger;
  /** True: steps that the journal has and the code no longer takes are an error. */
  readonly isStrict: boolean;
}

/** What the code wants after it was given events. */
export interface Progress {
  /** In order; the one that closes the run, if any, is last. */
  readonly commands: Command[];
  /** Id of the last event that the code was given. */
  readonly seenEventId: number;
  /** Whether the run is to close. */
  readonly isClosing: boolean;
}
