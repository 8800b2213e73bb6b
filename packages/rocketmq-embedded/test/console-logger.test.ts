import { describe, expect, it } from 'vitest';
import { consoleLogger } from '../src/console-logger.ts';

describe('console logger', () => {
  it('writes level, message and fields in one line, from its level up', () => {
    const lines: string[] = [];
    const logger = consoleLogger('info', (line) => lines.push(line));
    logger.debug({}, 'not shown');
    logger.info({ port: 9876, file: '/a b', list: ['x'] }, 'started');
    logger.error({ err: new Error('no "luck"') }, 'failed');
    expect(lines).toEqual([
      '[INFO] started port=9876 file="/a b" list=["x"]\n',
      '[ERROR] failed err="no \\"luck\\""\n',
    ]);
  });
});
