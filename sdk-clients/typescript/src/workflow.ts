/** Workflows and signals: what user code defines and what names it. */

import { checkName } from "./activity.js";
import type { WorkflowContext } from "./context.js";
import { parsed, type Schema } from "./schema.js";

declare const types: unique symbol;

/** A typed name of a workflow, wherever its code is. */
export interface WorkflowType<Input, Output> {
  /** Workflow type, as workers register it. */
  readonly type: string;
  /** Only for the type checker: never there. */
  readonly [types]?: (input: Input) => Output;
}

/** The code of a workflow. */
export type WorkflowFunction<Input, Output> = (ctx: WorkflowContext, input: Input) => Output | Promise<Output>;

/** A workflow with its code. */
export interface Workflow<Input, Output> extends WorkflowType<Input, Output> {
  readonly kind: "workflow";
  /** The code. */
  readonly run: WorkflowFunction<Input, Output>;
}

/** A typed name of a signal. */
export interface Signal<Input> {
  /** Name of the signal. */
  readonly name: string;
  /** What reads its input where it arrives. */
  readonly schema?: Schema<Input>;
  /** Only for the type checker: never there. */
  readonly [types]?: (input: Input) => Input;
}

/**
 * Defines a workflow. Its code is durable: it may stop at every `await` of a step and go on
 * elsewhere, days later. So it must take everything that can change from its context: time,
 * chance, the outside world.
 *
 * @param type Workflow type. 1 to 256 bytes.
 * @param schemas `input`: reads what the run was started with; a run that was given something else fails.
 */
export function defineWorkflow<Input = void, Output = void>(
  type: string,
  run: WorkflowFunction<Input, Output>,
  schemas: { readonly input?: Schema<Input> } = {},
): Workflow<Input, Output> {
  checkName("workflow", type);
  const { input } = schemas;
  if (input === undefined) return { kind: "workflow", type, run };
  return { kind: "workflow", type, run: (ctx, value) => run(ctx, parsed(input, value, "args")) };
}

/** Names a workflow whose code is elsewhere, to start it or to run it as a child. */
export function declareWorkflow<Input = void, Output = void>(type: string): WorkflowType<Input, Output> {
  checkName("workflow", type);
  return { type };
}

/** Names a signal and the type of its input, which `schema` reads where it arrives. */
export function defineSignal<Input = void>(name: string, schema?: Schema<Input>): Signal<Input> {
  checkName("signal", name);
  return schema === undefined ? { name } : { name, schema };
}
