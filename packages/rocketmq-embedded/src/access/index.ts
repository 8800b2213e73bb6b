export { AccessControl } from './access-control.ts';
