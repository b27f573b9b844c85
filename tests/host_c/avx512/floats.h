/* float32, rounded to nearest where nothing else is said. */

#define LANEWISE(name, expression) \
    INTRINSIC __m512 name(__m512 a, __m512 b) { \
        __m512 out; \
        EACH(out) { \
            float x = a[i], y = b[i]; \
            out[i] = (expression); \
        } \
        return out; \
    }
LANEWISE(_mm512_add_ps, x + y)
LANEWISE(_mm512_sub_ps, x - y)
LANEWISE(_mm512_mul_ps, x * y)
LANEWISE(_mm512_div_ps, x / y)
LANEWISE(_mm512_max_ps, x > y ? x : y) /* the second of two zeros, and where one is NaN */

/* x 2^floor(y), rounded once. */
INTRINSIC float emulated_scale(float x, float y) {
    if (isnan(x) && isinf(y)) return y > 0 ? y : 0.0f;
    if (isnan(x) || isnan(y)) return x + y;
    if (isinf(y)) return x * (y > 0 ? y : 0.0f);
    /* From any float, 2^400 is infinity and 2^-400 is 0. */
    return ldexpf(x, (int)floorf(y < -400 ? -400 : y > 400 ? 400 : y));
}
LANEWISE(_mm512_scalef_ps, emulated_scale(x, y))
#undef LANEWISE

INTRINSIC __m512 _mm512_mask_add_ps(__m512 source, __mmask16 mask, __m512 a, __m512 b) {
    return _mm512_mask_mov_ps(source, mask, _mm512_add_ps(a, b));
}
INTRINSIC __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
    EACH(c) c[i] = fmaf(a[i], b[i], c[i]);
    return c;
}
INTRINSIC float _mm512_reduce_max_ps(__m512 a) {
    for (unsigned half = 8; half; half /= 2)
        for (unsigned i = 0; i < half; i++) a[i] = a[i] > a[i + half] ? a[i] : a[i + half];
    return a[0];
}
INTRINSIC __m512 _mm512_cvtepi32_ps(__m512i a) {
    i32x16 x = (i32x16)a;
    __m512 out;
    EACH(out) out[i] = (float)x[i];
    return out;
}

/* x - floor(x). The control rounds the difference down as well: it is less than 1 just below 0, and -0 where it is 0. */
INTRINSIC float emulated_fraction(float x) {
    if (isinf(x)) return 0.0f;
    float whole = floorf(x), rest = x - whole;
    if (rest == 0) return -0.0f;
    /* Only from -1 to 0 is the difference not exact, where the way back is. */
    return rest + whole > x ? nextafterf(rest, 0.0f) : rest;
}
INTRINSIC __m512 _mm512_reduce_ps(__m512 a, int control) {
    if (control != (_MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)) abort();
    EACH(a) a[i] = emulated_fraction(a[i]);
    return a;
}

/* 1 / sqrt(x) to 14 bits. Intel gives the error alone, below 2^-14, and processors differ in the bits; so the exact root is
 * cut off, to be as far off as it may be. */
INTRINSIC __m512 _mm512_rsqrt14_ps(__m512 a) {
    EACH(a) a[i] = 1.0f / sqrtf(a[i]);
    return (__m512)((u32x16)a & 0xFFFFFE00u);
}
