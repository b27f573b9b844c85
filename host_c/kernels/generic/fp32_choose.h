/* The token of a step, once a kernel has stored its logits: included by the kernel after its `logits` and `first_above`. */
INLINE void choose(const talos_fp32_pack *p, talos_stream *s, const logits *l, uint32_t rng) {
    if (__builtin_expect(s->greedy, 0)) {
        s->token = talos_fp32_greedy(s);
        return;
    }
    float total;
    uint32_t token = first_above(p, s, l, 0.0f, rng, &total);
    /* Without the maximum taken off first, a low temperature can leave float's range. */
    if (__builtin_expect(!(total > 1e-20f && total < 1e30f), 0))
        token = first_above(p, s, l, s->logits[talos_fp32_greedy(s)], rng, &total);
    s->token = token;
}
