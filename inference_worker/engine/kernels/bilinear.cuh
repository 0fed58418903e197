/* Where an output pixel's centre falls: a pixel, and the part of its next. At an edge
 * the next has no part, and may lie outside.
 */
struct Tap {
    int first, part;
};

static __device__ __forceinline__ Tap tap(int at, float scale, int count) {
    const float place = ((float)at + 0.5f) * scale - 0.5f;
    const int parts = (int)rintf(place * PARTS), first = parts >> PARTS_BITS;
    Tap out;
    out.first = within(first, count);
    out.part = inside(first, count - 1) ? parts & (PARTS - 1) : 0;
    return out;
}

/* Three words of a photo from the one that byte `at` lies in, or `more`. */
static __device__ __forceinline__ void read(
    const Byte *photo, unsigned at, unsigned *words, bool more = false) {
    const unsigned *from = (const unsigned *)(photo + (at & ~3u));
    words[0] = __ldg(from), words[1] = __ldg(from + 1), words[2] = __ldg(from + 2);
    if (more) words[3] = __ldg(from + 3);
}

struct Sums {
    unsigned red, green, blue;
};

/* Two pixels, of which the first byte is `at`, mixed by two weights of 16 bits. */
static __device__ __forceinline__ Sums two(
    const unsigned *words, unsigned at, unsigned weights) {
    const unsigned low = __funnelshift_r(words[0], words[1], at * 8);
    const unsigned high = __funnelshift_r(words[1], words[2], at * 8);
    const unsigned reds_greens = __byte_perm(low, high, 0x4130);
    const unsigned blues = __byte_perm(low, high, 0x5252);
    Sums out;
    out.red = __dp2a_lo(weights, reds_greens, 0u);
    out.green = __dp2a_hi(weights, reds_greens, 0u);
    out.blue = __dp2a_lo(weights, blues, 0u);
    return out;
}

static __device__ __forceinline__ float mixed(unsigned above, unsigned below, int part) {
    const unsigned sum = above * (PARTS - part) + below * part;
    return (float)sum * (TO_ONE / (PARTS * PARTS));
}

/* The second way: four pixels around a place, of a photo that is taken as it is. */
template <typename Kind>
static __device__ __forceinline__ void bilinear(
    const Job &job, const Planes<Kind> &planes, int x, int y) {
    const float wide = (float)job.wide / (float)job.content_wide;
    const float tall = (float)job.tall / (float)job.content_tall;
    const int column = x - job.margin_left;
    const Tap across = tap(column, wide, job.wide);
    const unsigned weights = (PARTS - across.part) | across.part << 16;
    const unsigned line = job.width * 3u;
    const unsigned origin = job.top * line + (job.left + across.first) * 3u;
    for (int batch = 0; batch < ROWS; batch += BATCHED) {
        unsigned words[BATCHED][6], above[BATCHED], below[BATCHED];
        int part[BATCHED];
#pragma unroll
        for (int i = 0; i < BATCHED; i++) {
            const int row = y + (batch + i) * APART - job.margin_top;
            const Tap down = tap(row, tall, job.tall);
            above[i] = origin + down.first * line;
            below[i] = above[i] + (down.part ? line : 0);
            part[i] = down.part;
            read(job.photo, above[i], words[i]);
            read(job.photo, below[i], words[i] + 3);
        }
#pragma unroll
        for (int i = 0; i < BATCHED; i++) {
            const int to = y + (batch + i) * APART;
            const Sums first = two(words[i], above[i], weights);
            const Sums second = two(words[i] + 3, below[i], weights);
            Colour seen;
            seen.red = mixed(first.red, second.red, part[i]);
            seen.green = mixed(first.green, second.green, part[i]);
            seen.blue = mixed(first.blue, second.blue, part[i]);
            const bool there = inside(column, job.content_wide)
                && inside(to - job.margin_top, job.content_tall);
            if (to < planes.height) put_pixel(planes, x, to, there, seen);
        }
    }
}
