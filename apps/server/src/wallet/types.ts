/** A player as the platform names it. The pair (platformId, platformUserId) is the identity. */
export interface PlayerRef {
  readonly platformId: number;
  readonly platformUserId: string;
  /** Stored when the player is first seen; not part of the identity. */
  readonly userName: string;
}

export interface Balance {
  readonly balanceMinor: bigint;
  readonly currency: string;
  /** Unix ms of the last movement; 0 of a player never seen. */
  readonly updatedAtMs: number;
}

export interface MoneyRequest {
  readonly player: PlayerRef;
  /** The platform's own id; unique per platform and player, kept for ever. */
  readonly transactionId: string;
  /** Minor units, > 0. */
  readonly amountMinor: bigint;
  readonly traceId: string;
}

export interface MoneyAnswer {
  readonly transactionId: string;
  /** The balance right after this transaction, also in a replay. */
  readonly balanceMinor: bigint;
  readonly createdAtMs: number;
  /** True when the same transaction had been done before; nothing moved this time. */
  readonly replayed: boolean;
}

export interface MoneyTransaction {
  readonly transactionId: string;
  readonly kind: 'deposit' | 'withdraw';
  readonly amountMinor: bigint;
  readonly balanceMinor: bigint;
  readonly currency: string;
  readonly createdAtMs: number;
}

export interface Wallet {
  /** A player never seen has 0.00; asking does not create it. */
  balance(player: PlayerRef): Promise<Balance>;
  /**
   * The same transaction id with the same fields answers as the first time.
   * @throws BusinessError 2002 the id was used with another kind or amount
   */
  deposit(request: MoneyRequest): Promise<MoneyAnswer>;
  /** @throws BusinessError 2002 as deposit; 2007 balance too low; 1000 player disabled */
  withdraw(request: MoneyRequest): Promise<MoneyAnswer>;
  /** @throws BusinessError 4004 no such transaction of this player */
  transaction(player: PlayerRef, transactionId: string): Promise<MoneyTransaction>;
}
