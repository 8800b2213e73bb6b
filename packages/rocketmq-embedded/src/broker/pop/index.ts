export { assignmentHandlers } from './assignment-handlers.ts';
export { Checkpoints } from './checkpoints.ts';
export { lookHandlers } from './look-handlers.ts';
export { Pop, popRetryTopics } from './pop.ts';
export { popHandlers } from './pop-handlers.ts';
export { receiptHandlers } from './receipt-handlers.ts';
