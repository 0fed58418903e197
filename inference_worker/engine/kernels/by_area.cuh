/* The pixels that an output pixel covers, first to last. */
struct Span {
    float begin, end;
    int first, last;
};

/* How much of pixel `i` is covered. */
static __device__ __forceinline__ float share(const Span &span, int i) {
    const float low = span.begin > (float)i ? span.begin : (float)i;
    const float high = span.end < (float)(i + 1) ? span.end : (float)(i + 1);
    return i <= span.last && high > low ? high - low : 0.0f;
}

static __device__ __forceinline__ Span span(int at, float scale, int count) {
    Span out;
    out.begin = (float)at * scale, out.end = out.begin + scale;
    out.first = within((int)out.begin, count);
    out.last = within((int)out.end, count);
    if (out.last > out.first && share(out, out.last) <= EDGE) out.last--;
    if (out.last > out.first && share(out, out.first) <= EDGE) out.first++;
    return out;
}

/* Four pixels, of which the first byte is `at`, weighed by four of 16 bits. */
static __device__ __forceinline__ Sums four(
    const unsigned *words, unsigned at, unsigned early, unsigned late) {
    const unsigned a = __funnelshift_r(words[0], words[1], at * 8);
    const unsigned b = __funnelshift_r(words[1], words[2], at * 8);
    const unsigned c = __funnelshift_r(words[2], words[3], at * 8);
    const unsigned reds = __byte_perm(__byte_perm(a, b, 0x0630), c, 0x5210);
    const unsigned greens = __byte_perm(__byte_perm(a, b, 0x0741), c, 0x6210);
    const unsigned blues = __byte_perm(__byte_perm(a, b, 0x0052), c, 0x7410);
    Sums out;
    out.red = __dp2a_hi(late, reds, __dp2a_lo(early, reds, 0u));
    out.green = __dp2a_hi(late, greens, __dp2a_lo(early, greens, 0u));
    out.blue = __dp2a_hi(late, blues, __dp2a_lo(early, blues, 0u));
    return out;
}

/* What four columns beside each other weigh. */
struct Weights {
    unsigned early, late;
    float sum;
};

static __device__ __forceinline__ unsigned weight(const Span &across, int column) {
    return (unsigned)rintf(share(across, column) * WHOLE);
}

static __device__ __forceinline__ Weights weights_from(const Span &across, int column) {
    const unsigned a = weight(across, column), b = weight(across, column + 1);
    const unsigned c = weight(across, column + 2), d = weight(across, column + 3);
    Weights out = {a | b << 16, c | d << 16, (float)(a + b + c + d)};
    return out;
}

/* The mean of all that an output pixel covers, 0..1; `weights` are of the first four. */
static __device__ __forceinline__ Colour mean(
    const Job &job, const Span &across, const Span &down, Weights weights) {
    const unsigned line = job.width * 3u;
    Colour sum = {0.0f, 0.0f, 0.0f};
    float covered = 0.0f;
    for (int column = across.first;;) {
        const unsigned from = job.top * line + (job.left + column) * 3u;
        const bool all = column + 3 <= across.last;
        for (int row = down.first; row <= down.last; row += DEEP) {
            unsigned words[DEEP][4], at[DEEP];
#pragma unroll
            for (int i = 0; i < DEEP; i++) {
                at[i] = from + (row + i < down.last ? row + i : down.last) * line;
                words[i][3] = 0;
                read(job.photo, at[i], words[i], all);
            }
#pragma unroll
            for (int i = 0; i < DEEP; i++) {
                const float rows = share(down, row + i);
                const Sums seen = four(words[i], at[i], weights.early, weights.late);
                sum.red += rows * (float)seen.red;
                sum.green += rows * (float)seen.green;
                sum.blue += rows * (float)seen.blue;
                covered += rows * weights.sum;
            }
        }
        column += 4;
        if (column > across.last) break;
        weights = weights_from(across, column);
    }
    const float one = __fdividef(TO_ONE, covered);
    sum.red *= one, sum.green *= one, sum.blue *= one;
    return sum;
}

/* The third way: by area, of a photo that is taken as it is. */
template <typename Kind>
static __device__ __forceinline__ void by_area(
    const Job &job, const Planes<Kind> &planes, int x, int y) {
    const float wide = (float)job.wide / (float)job.content_wide;
    const float tall = (float)job.tall / (float)job.content_tall;
    const int column = x - job.margin_left;
    const Span across = span(column, wide, job.wide);
    const Weights weights = weights_from(across, across.first);
    for (int i = 0; i < ROWS; i++, y += APART) {
        if (y >= planes.height) return;
        const int row = y - job.margin_top;
        const bool there =
            inside(column, job.content_wide) && inside(row, job.content_tall);
        Colour seen = {0.0f, 0.0f, 0.0f};
        if (there) seen = mean(job, across, span(row, tall, job.tall), weights);
        put_pixel(planes, x, y, there, seen);
    }
}
