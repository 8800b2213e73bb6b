import { describe, expect, it } from 'vitest';
import { newBillNo } from '../../src/game/bill-no.ts';

describe('bill numbers', () => {
  it('have the form that clients know: DT, local time, last four digits of the player, three hex digits', () => {
    const at = new Date(2026, 0, 1, 8, 0, 5);
    expect(newBillNo(at, '42')).toMatch(/^DT202601010800050042[0-9A-F]{3}$/);
    expect(newBillNo(at, '1234567')).toMatch(/^DT202601010800054567[0-9A-F]{3}$/);
    expect(newBillNo(at, '9999')).toHaveLength(23);
  });
});
