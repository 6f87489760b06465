import { x509Contract } from '../x509.contract.ts';
import { createX509 } from './peculiar.ts';

x509Contract(createX509);
