export {
  createRequest,
  createResponse,
  EMPTY_BODY,
  isOneway,
  isResponse,
  type CommandPayload,
  type RemotingCommand,
  type RequestOptions,
} from './command.ts';
export {
  decodeFrame,
  encodeCommand,
  encodeCommandHead,
  type EncodeOptions,
  type SerializeType,
} from './frame.ts';
export { DEFAULT_MAX_FRAME_BYTES, FrameDecoder, type FrameDecoderOptions } from './frame-decoder.ts';
