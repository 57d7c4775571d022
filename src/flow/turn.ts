/** Something to be done once, when all that follows from one chunk has been done. */
export interface Task {
  run(): void;
}

let depth = 0;
let count = 0;
/** Those of this turn, and how many; their places are kept for the next. An array that is emptied is made anew. */
const tasks: Task[] = [];
let waiting = 0;

const done: Task = { run: () => {} };

/** A source of chunks begins to emit one. */
export const beginTurn = (): void => {
  if (depth++ === 0) count++;
};

/** It has emitted. At the end of the outermost turn all tasks are run; the first error that one throws is thrown then. */
export const endTurn = (): void => {
  if (depth > 1 || waiting === 0) {
    depth--;
    return;
  }
  // The depth stays up meanwhile: what a task sets off belongs to this turn, and its tasks come in this loop.
  let failure: { readonly error: unknown } | null = null;
  for (let next = 0; next < waiting; next++) {
    const task = tasks[next] as Task;
    tasks[next] = done;
    try {
      task.run();
    } catch (error) {
      failure ??= { error };
    }
  }
  waiting = 0;
  depth--;
  if (failure !== null) throw failure.error;
};

/**
 * Has `task` run at the end of the turn: after the chunk that is being handled has been handled to its last frame.
 * Answers false, and does nothing, when no source is emitting.
 */
export const atEndOfTurn = (task: Task): boolean => {
  if (depth === 0) return false;
  tasks[waiting++] = task;
  return true;
};

/** A number that is the same throughout a turn and another in the next, or 0 when no source is emitting. */
export const currentTurn = (): number => (depth === 0 ? 0 : count);
