/** Bits of a message's sysFlag. */
export const MessageSysFlag = {
  COMPRESSED: 0x01,
  MULTI_TAGS: 0x02,
  TRANSACTION_PREPARED: 0x04,
  TRANSACTION_COMMIT: 0x08,
  /** Both transaction bits together; also the mask for them. */
  TRANSACTION_ROLLBACK: 0x0c,
  BORN_HOST_V6: 0x10,
  STORE_HOST_V6: 0x20,
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  COMPRESSION_LZ4: 0x100,
  COMPRESSION_ZSTD: 0x200,
  COMPRESSION_ZLIB: 0x300,
  COMPRESSION_MASK: 0x700,
} as const;

/** Bits of a pull request's sysFlag. */
export const PullSysFlag = {
  /** commitOffset is to be stored as the group's offset of this queue. */
  COMMIT_OFFSET: 0x01,
  /** The broker may hold the request until a message comes. */
  SUSPEND: 0x02,
  /** The subscription of this request is to be used, not that of the heartbeat. */
  SUBSCRIPTION: 0x04,
  CLASS_FILTER: 0x08,
  LITE_PULL: 0x10,
} as const;

export type BodyCompression = 'none' | 'zlib' | 'lz4' | 'zstd';

/** Old clients set only the first bit and mean zlib. `undefined` for a type that is not defined. */
export function bodyCompression(sysFlag: number): BodyCompression | undefined {
  if ((sysFlag & MessageSysFlag.COMPRESSED) === 0) return 'none';
  switch (sysFlag & MessageSysFlag.COMPRESSION_MASK) {
    case 0:
    case MessageSysFlag.COMPRESSION_ZLIB:
      return 'zlib';
    case MessageSysFlag.COMPRESSION_LZ4:
      return 'lz4';
    case MessageSysFlag.COMPRESSION_ZSTD:
      return 'zstd';
    default:
      return undefined;
  }
}

/** Topic and queue permission bits. */
export const Permission = { INHERIT: 1, WRITE: 2, READ: 4, PRIORITY: 8 } as const;

export function isReadable(perm: number): boolean {
  return (perm & Permission.READ) !== 0;
}

export function isWritable(perm: number): boolean {
  return (perm & Permission.WRITE) !== 0;
}
