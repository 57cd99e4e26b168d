/** Names of workflows and signals, wherever their code is. */

import { checkName } from "./activity.js";
import type { Schema } from "./schema.js";

declare const types: unique symbol;

/** A typed name of a workflow, wherever its code is. */
export interface WorkflowType<Input, Output> {
  /** Workflow type, as workers register it. */
  readonly type: string;
  /** What reads its result where it arrives. */
  readonly output?: Schema<Output>;
  /** Only for the type checker: never there. */
  readonly [types]?: (input: Input) => Output;
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
 * Names a workflow whose code is elsewhere, to start it or to run it as a child.
 *
 * @param schemas `output`: reads its result where it arrives.
 */
export function declareWorkflow<Input = void, Output = void>(type: string, schemas: { readonly output?: Schema<Output> } = {}): WorkflowType<Input, Output> {
  checkName("workflow", type);
  return { type, ...schemas };
}

/** Names a signal and the type of its input, which `schema` reads where it arrives. */
export function defineSignal<Input = void>(name: string, schema?: Schema<Input>): Signal<Input> {
  checkName("signal", name);
  return schema === undefined ? { name } : { name, schema };
}
