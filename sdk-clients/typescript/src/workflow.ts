/** Workflows with their code. */

import { checkName } from "./activity.js";
import type { WorkflowContext } from "./context.js";
import { parsed, type Schema } from "./schema.js";
import type { WorkflowType } from "./workflow-type.js";

/** The code of a workflow. */
export type WorkflowFunction<Input, Output> = (ctx: WorkflowContext, input: Input) => Output | Promise<Output>;

/** A workflow with its code. */
export interface Workflow<Input, Output> extends WorkflowType<Input, Output> {
  readonly kind: "workflow";
  /** The code. */
  readonly run: WorkflowFunction<Input, Output>;
}

/**
 * Defines a workflow. Its code is durable: it may stop at every `await` of a step and go on
 * elsewhere, days later. So it must take everything that can change from its context: time,
 * chance, the outside world.
 *
 * @param type Workflow type. 1 to 256 bytes.
 * @param schemas `input`: reads what the run was started with; a run that was given something else fails.
 *   `output`: reads its result where it arrives, in the run that it is a child of.
 */
export function defineWorkflow<Input = void, Output = void>(
  type: string,
  run: WorkflowFunction<Input, Output>,
  schemas: { readonly input?: Schema<Input>; readonly output?: Schema<Output> } = {},
): Workflow<Input, Output> {
  checkName("workflow", type);
  const { input, ...rest } = schemas;
  if (input === undefined) return { kind: "workflow", type, run, ...rest };
  return { kind: "workflow", type, run: (ctx, value) => run(ctx, parsed(input, value, "args")), ...rest };
}
