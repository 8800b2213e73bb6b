import {
  GameApi,
  type GameApiOptions,
  runGame,
  type RunOptions,
  type RunReport,
} from '../../src/play/index.ts';
import { listen } from '../../src/http/index.ts';
import { ADMIN_TOKEN, type Door, openDoor } from '../http/door.ts';

/** The real server, listening, with an API to it. */
export interface LiveServer {
  readonly door: Door;
  readonly baseUrl: string;
  connect(options?: Partial<GameApiOptions>): GameApi;
  run(options?: Partial<RunOptions>): Promise<RunReport>;
  close(): Promise<void>;
}

export async function openLiveServer(settings: Record<string, unknown> = {}): Promise<LiveServer> {
  const door = await openDoor(settings);
  const baseUrl = await listen(door.app, { host: '127.0.0.1', port: 0 });
  const apis: GameApi[] = [];
  const connect = (options: Partial<GameApiOptions> = {}): GameApi => {
    const api = new GameApi({ baseUrl, adminToken: ADMIN_TOKEN, ...options });
    apis.push(api);
    return api;
  };
  return {
    door,
    baseUrl,
    connect,
    run: (options = {}) =>
      runGame({
        api: connect(),
        rounds: 2,
        players: 5,
        betsPerPlayer: 3,
        concurrency: 8,
        minStakeMinor: 100n,
        maxStakeMinor: 10_000n,
        seed: 'test',
        gameId: 'dt_game',
        ...options,
      }),
    close: async () => {
      for (const api of apis) api.close();
      await door.close();
    },
  };
}
