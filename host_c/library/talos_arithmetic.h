/* Generated from talos_ref by `python -m host_c.generate`; do not edit. */
#ifndef TALOS_ARITHMETIC_H
#define TALOS_ARITHMETIC_H

typedef enum { TALOS_V2 = 0, TALOS_PRECISE = 1, TALOS_FOLDED = 2, TALOS_FP32 = 255 } talos_arithmetic;

#endif
