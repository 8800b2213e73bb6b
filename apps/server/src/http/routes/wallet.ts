import type { FastifyRequest } from 'fastify';
import { formatAmount, parseAmount, type MoneyAnswer, type MoneyRequest } from '../../wallet/index.ts';
import { sendData } from '../envelope.ts';
import { longerThan, readFields, storableText } from '../fields.ts';
import type { Door } from '../parts.ts';
import { badRequest } from '../refusal.ts';

const maxTransactionIdBytes = 128;
const maxAmountBytes = 32;
/** Far below what a balance can hold, so that no single call can fill one. */
const maxAmountMinor = 100_000_000_000_000n;

/** How platforms move money in and out. */
export function walletRoutes({ app, wallet, platform }: Door): void {
  const onRequest = async (request: FastifyRequest): Promise<void> => platform.begin(request);
  const moves: Record<string, (request: MoneyRequest) => Promise<MoneyAnswer>> = {
    '/api/wallet/deposit': (request) => wallet.deposit(request),
    '/api/wallet/withdraw': (request) => wallet.withdraw(request),
  };
  for (const [path, move] of Object.entries(moves)) {
    app.post(path, { onRequest }, async (request, reply) => {
      const player = await platform.player(request);
      const answer = await move({ player, ...readMove(request), traceId: request.id });
      return sendData(reply, {
        transaction_id: answer.transactionId,
        balance: formatAmount(answer.balanceMinor),
        created_at: answer.createdAtMs,
      });
    });
  }

  app.get<{ Params: { id: string } }>(
    '/api/wallet/transactions/:id',
    { onRequest },
    async (request, reply) => {
      const player = await platform.player(request);
      const found = await wallet.transaction(player, storableText('transaction_id', request.params.id));
      return sendData(reply, {
        transaction_id: found.transactionId,
        type: found.kind,
        amount: formatAmount(found.amountMinor),
        balance: formatAmount(found.balanceMinor),
        currency: found.currency,
        created_at: found.createdAtMs,
      });
    },
  );
}

function readMove(request: FastifyRequest): { transactionId: string; amountMinor: bigint } {
  const fields = readFields(request, 'invalid json body');
  const transactionId = fields.text('transaction_id');
  const amount = fields.text('amount');
  if (transactionId === '' || amount === '') throw badRequest('missing or invalid fields');
  if (longerThan(transactionId, maxTransactionIdBytes) || longerThan(amount, maxAmountBytes))
    throw badRequest('invalid request');
  const amountMinor = parseAmount(amount);
  if (amountMinor === undefined) throw badRequest('amount must be numeric with up to 2 decimals');
  if (amountMinor <= 0n) throw badRequest('amount must be positive');
  if (amountMinor > maxAmountMinor)
    throw badRequest(`amount exceeds maximum limit: ${maxAmountMinor / 100n}`);
  return { transactionId, amountMinor };
}
