import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { bodyCompression } from '@dt/rocketmq-protocol';
import { messageOf } from '../errors.ts';
import { decompressLz4Frame } from './lz4-frame.ts';
import { decompressZstdFrame } from './zstd-frame.ts';

/** A small body can claim to become a very large one. */
export const MAX_BODY_OUT_BYTES = 64 * 1024 * 1024;

const inflateAsync = promisify(inflate);

/** The body of a message as its producer gave it, or why that cannot be had: then the body is as it was stored. */
export async function decompressBody(
  stored: { body: Buffer; sysFlag: number },
  maxBytes = MAX_BODY_OUT_BYTES,
): Promise<{ body: Buffer; bodyError: string | undefined }> {
  const { body, sysFlag } = stored;
  const compression = bodyCompression(sysFlag);
  try {
    switch (compression) {
      case 'none':
        return { body, bodyError: undefined };
      case 'zlib':
        return { body: await inflateAsync(body, { maxOutputLength: maxBytes }), bodyError: undefined };
      case 'lz4':
        return { body: decompressLz4Frame(body, maxBytes), bodyError: undefined };
      case 'zstd':
        return { body: decompressZstdFrame(body, maxBytes), bodyError: undefined };
      case undefined:
        return { body, bodyError: 'compression of an unknown type is not supported' };
    }
  } catch (error) {
    return { body, bodyError: `body cannot be decompressed (${compression}): ${messageOf(error)}` };
  }
}
