import { it } from 'vitest';
import { checkRandomDamage } from '../support/damage-property.ts';

it('bits flipped anywhere cost the messages they lie in, and nothing else', () => checkRandomDamage(2000));
