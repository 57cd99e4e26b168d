/** Sagas: steps over several services that no transaction holds together, and the way back. */

import type { WorkflowContext } from "everturn";

/** Undoes a step; must bear that there is nothing to undo. */
export type Compensation = () => PromiseLike<unknown>;

/** The steps of a saga. */
export interface Saga {
  /**
   * Takes a step that can be undone. Its compensation counts from before the step begins: one that
   * failed or was given up may have been done all the same.
   */
  step<T>(run: () => PromiseLike<T>, compensation: Compensation): Promise<T>;
}

/**
 * Runs the steps of `body`. When it throws, what was begun is compensated, the last step first, and
 * the error passes. A cancel of the run does not stop the way back, and a crash does not either: the
 * journal knows which steps there were.
 */
export async function saga<T>(ctx: WorkflowContext, body: (saga: Saga) => Promise<T>): Promise<T> {
  const compensations: Compensation[] = [];
  try {
    return await body({
      step: async (run, compensation) => {
        compensations.push(compensation);
        return run();
      },
    });
  } catch (error) {
    await ctx.shield(() => compensate(ctx, compensations.reverse()));
    throw error;
  }
}

/** Tries every compensation, so that one that fails leaves no other step standing. */
async function compensate(ctx: WorkflowContext, compensations: readonly Compensation[]): Promise<void> {
  const failures: unknown[] = [];
  for (const compensation of compensations) {
    try {
      await compensation();
    } catch (failure) {
      ctx.log.error("a step was not undone", { reason: failure instanceof Error ? failure.message : String(failure) });
      failures.push(failure);
    }
  }
  // Somebody has to look at it: the run fails with this instead.
  if (failures.length > 0) throw failures[0];
}
