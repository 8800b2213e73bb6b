export { Listener } from './listener.ts';
export { Notifier, type NotifierOptions } from './notifier.ts';
