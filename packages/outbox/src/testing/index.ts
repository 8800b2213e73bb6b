export { RecordingBroker, type Sent } from './recording-broker.ts';
