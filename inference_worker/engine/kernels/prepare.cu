/* Photos of any sizes to the planes that a network takes: one launch a batch.
 *
 * Its twin on the CPU is preprocess.letterbox behind optics.correct; the two agree
 * within 1/255. Lens and denoise are computed as OpenCV does, to the bit: 3 x 3 median
 * mixed with the photo, then a fixed-point map of 1/32 pixel. Bilinear weights have 11
 * bits, as OpenCV's; no result is rounded to whole levels, as the twin's are.
 *
 * A block makes a tile of the canvas, ACROSS x DOWN, by one of four ways that its job
 * tells. Memory is the bound, so photos are read in words and not in bytes, neighbours
 * in a warp make neighbours of a row, and what a thread reads is asked for before any
 * of it is used. The tests compile this file for the host too: threads do not talk to
 * each other, arguments are pointers and integers.
 */

#define ACROSS 64
#define ROWS 8 /* of the tile that a thread makes, where it makes single pixels */
#define WARPS 8
#define APART (32 * WARPS / ACROSS) /* rows from one of a thread's to its next */
#define DOWN (APART * ROWS)
#define RUN 8 /* pixels beside each other that a thread makes, where nothing is resized */
#define BATCHED 4 /* bilinear rows whose words a thread asks for at once */
#define DEEP 3 /* the same, of rows that are averaged */
#define GREY 114 /* preprocess.GREY */
#define GREYS 0x72727272u
#define TO_ONE (1.0f / 255.0f)
#define EDGE 1e-3f /* an overlap that OpenCV leaves out */
#define PARTS_BITS 11
#define PARTS (1 << PARTS_BITS) /* of the way from a pixel to the next */
#define RESIDENT 4 /* blocks of a multiprocessor; sm_75 takes no more threads */
#define WHOLE 32768.0f /* the weight of a column that is covered from side to side */

typedef unsigned char Byte;
typedef unsigned short Half;

/* What is done with one photo, or one template; `JOB` in preparing.py lays it out.
 * A photo begins at a multiple of 256 bytes; 32 bytes behind it may be read.
 */
struct Job {
    const Byte *photo;               /* (height, width, 3) */
    const short *places;             /* (height, width, 2) x, y of each corrected pixel */
    const unsigned short *fractions; /* (height, width) y * 32 + x; null without a lens */
    int height, width;
    int top, left, tall, wide; /* the region of the corrected photo that is looked at */
    int content_tall, content_wide, margin_top, margin_left; /* on the canvas */
    int denoise; /* of 256 parts, how many the median has */
    int by_area; /* else bilinear */
    int planes;  /* the first of its three, counted over the batch */
};

/* Templates, also where all of this file is wrapped as C. */
extern "C++" {

struct Colour {
    float red, green, blue;
};

/* Three planes of the canvas. */
template <typename Kind> struct Planes {
    Kind *first;
    int height, width;
};

#ifndef HOST_HALF
static __device__ __forceinline__ Half half_bits(float value) {
    Half bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif

static __device__ __forceinline__ unsigned half_pair(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    unsigned bits;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
#else
    return half_bits(low) | (unsigned)half_bits(high) << 16;
#endif
}

static __device__ __forceinline__ void put(Half *at, float value) {
    *at = half_bits(value);
}

static __device__ __forceinline__ void put(float *at, float value) { *at = value; }

static __device__ __forceinline__ void put_run(Half *at, const float *run) {
    uint4 four;
    four.x = half_pair(run[0], run[1]), four.y = half_pair(run[2], run[3]);
    four.z = half_pair(run[4], run[5]), four.w = half_pair(run[6], run[7]);
    *(uint4 *)at = four;
}

static __device__ __forceinline__ void put_run(float *at, const float *run) {
    float4 four;
    four.x = run[0], four.y = run[1], four.z = run[2], four.w = run[3];
    ((float4 *)at)[0] = four;
    four.x = run[4], four.y = run[5], four.z = run[6], four.w = run[7];
    ((float4 *)at)[1] = four;
}

/* A pixel, 0..1, or grey. */
template <typename Kind>
static __device__ __forceinline__ void put_pixel(
    const Planes<Kind> &planes, int x, int y, bool inside, const Colour &seen) {
    const long long plane = (long long)planes.height * planes.width;
    Kind *at = planes.first + (y * planes.width + x);
    put(at, inside ? seen.red : GREY * TO_ONE);
    put(at + plane, inside ? seen.green : GREY * TO_ONE);
    put(at + 2 * plane, inside ? seen.blue : GREY * TO_ONE);
}

static __device__ __forceinline__ int within(int value, int count) {
    return value < 0 ? 0 : value >= count ? count - 1 : value;
}

static __device__ __forceinline__ bool inside(int value, int count) {
    return (unsigned)value < (unsigned)count;
}

/* Byte `i` of a word, 0..1; as the low bits of 2^23 it is a float without conversion. */
static __device__ __forceinline__ float level(unsigned word, int i) {
    const unsigned bits = __byte_perm(word, 0x4b000000u, 0x7440u | i);
    return fmaf(__uint_as_float(bits), TO_ONE, -8388608.0f * TO_ONE);
}

/* The first way: a photo that is not resized, or none at all: runs of RUN pixels. */
template <typename Kind>
static __device__ __forceinline__ void as_it_is(
    const Job &job, const Planes<Kind> &planes, int tile_x, int tile_y) {
    const int thread = threadIdx.y * 32 + threadIdx.x;
    const int x = tile_x + thread % (ACROSS / RUN) * RUN;
    const int y = tile_y + thread / (ACROSS / RUN);
    if (x >= planes.width || y >= planes.height) return;
    const int column = x - job.margin_left, row = y - job.margin_top;
    unsigned word[6] = {GREYS, GREYS, GREYS, GREYS, GREYS, GREYS};
    if (inside(row, job.content_tall) && column > -RUN && column < job.content_wide) {
        const uint2 *at = (const uint2 *)(
            job.photo + ((job.top + row) * job.width + job.left + column) * 3);
        const uint2 a = __ldg(at), b = __ldg(at + 1), c = __ldg(at + 2);
        word[0] = a.x, word[1] = a.y, word[2] = b.x;
        word[3] = b.y, word[4] = c.x, word[5] = c.y;
    }
    const bool whole = column >= 0 && column + RUN <= job.content_wide;
    const long long plane = (long long)planes.height * planes.width;
    Kind *to = planes.first + (y * planes.width + x);
#pragma unroll
    for (int channel = 0; channel < 3; channel++) {
        float run[RUN];
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            const int byte = 3 * i + channel;
            run[i] = level(word[byte / 4], byte % 4);
            if (!whole && !inside(column + i, job.content_wide)) run[i] = GREY * TO_ONE;
        }
        put_run(to + channel * plane, run);
    }
}

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

static __device__ __forceinline__ void sort2(int &a, int &b) {
    const int low = a < b ? a : b;
    b = a < b ? b : a;
    a = low;
}

/* The middle of nine: 19 exchanges. */
static __device__ int middle(int *v) {
    sort2(v[1], v[2]); sort2(v[4], v[5]); sort2(v[7], v[8]);
    sort2(v[0], v[1]); sort2(v[3], v[4]); sort2(v[6], v[7]);
    sort2(v[1], v[2]); sort2(v[4], v[5]); sort2(v[7], v[8]);
    sort2(v[0], v[3]); sort2(v[5], v[8]); sort2(v[4], v[7]);
    sort2(v[3], v[6]); sort2(v[1], v[4]); sort2(v[2], v[5]);
    sort2(v[4], v[7]); sort2(v[4], v[2]); sort2(v[6], v[4]);
    sort2(v[4], v[2]);
    return v[4];
}

static __device__ __forceinline__ int raw(const Job &job, int x, int y, int channel) {
    return job.photo[(y * job.width + x) * 3 + channel];
}

static __device__ __noinline__ int denoised(const Job &job, int x, int y, int channel) {
    const int seen = raw(job, x, y, channel);
    if (!job.denoise) return seen;
    int around[9], n = 0;
    for (int down = -1; down <= 1; down++)
        for (int right = -1; right <= 1; right++)
            around[n++] = raw(
                job, within(x + right, job.width), within(y + down, job.height), channel);
    const int parts = middle(around) * job.denoise + seen * (256 - job.denoise);
    return (int)rintf((float)parts * (1.0f / 256.0f));
}

static __device__ int beside_grey(const Job &job, int x, int y, int channel) {
    const bool there = inside(x, job.width) && inside(y, job.height);
    return there ? denoised(job, x, y, channel) : GREY;
}

/* A pixel of the photo as a perfect camera would have taken it. */
static __device__ __noinline__ int corrected(const Job &job, int x, int y, int channel) {
    if (!job.places) return denoised(job, x, y, channel);
    const int at = y * job.width + x;
    const int u = job.places[2 * at], v = job.places[2 * at + 1];
    const int right = job.fractions[at] & 31, down = job.fractions[at] >> 5;
    const int sum = (32 - right) * (32 - down) * beside_grey(job, u, v, channel)
        + right * (32 - down) * beside_grey(job, u + 1, v, channel)
        + (32 - right) * down * beside_grey(job, u, v + 1, channel)
        + right * down * beside_grey(job, u + 1, v + 1, channel);
    return (sum + 512) >> 10;
}

/* The sum of a block of corrected pixels, each weighed by its column and its row. */
static __device__ float weighed(
    const Job &job, const Span &across, const Span &down, int channel) {
    float sum = 0.0f, covered = 0.0f;
    for (int row = down.first; row <= down.last; row++)
        for (int column = across.first; column <= across.last; column++) {
            const float part = share(across, column) * share(down, row);
            if (part == 0.0f) continue;
            sum += part * (float)corrected(job, job.left + column, job.top + row, channel);
            covered += part;
        }
    return sum / covered * TO_ONE;
}

/* A place's four pixels as a span of two and two. */
static __device__ Span around(int at, float scale, int count) {
    const Tap found = tap(at, scale, count);
    Span out;
    out.begin = (float)found.first + (float)found.part * (1.0f / PARTS);
    out.end = out.begin + 1.0f;
    out.first = found.first, out.last = found.first + (found.part ? 1 : 0);
    return out;
}

/* The last way, for lens and denoise. Out of line: it must not cost the others. */
template <typename Kind>
static __device__ __noinline__ void thorough(
    const Job &job, Kind *first, int height, int width, int x, int y) {
    const Planes<Kind> planes = {first, height, width};
    const float wide = (float)job.wide / (float)job.content_wide;
    const float tall = (float)job.tall / (float)job.content_tall;
    const int column = x - job.margin_left;
    const Span across = job.by_area ? span(column, wide, job.wide)
                                    : around(column, wide, job.wide);
    for (int i = 0; i < ROWS; i++, y += APART) {
        if (y >= height) return;
        const int row = y - job.margin_top;
        const bool there =
            inside(column, job.content_wide) && inside(row, job.content_tall);
        Colour seen = {0.0f, 0.0f, 0.0f};
        if (there) {
            const Span down = job.by_area ? span(row, tall, job.tall)
                                          : around(row, tall, job.tall);
            seen.red = weighed(job, across, down, 0);
            seen.green = weighed(job, across, down, 1);
            seen.blue = weighed(job, across, down, 2);
        }
        put_pixel(planes, x, y, there, seen);
    }
}

/* Whether runs of the canvas are runs of the photo, and begin at multiples of 8 bytes. */
static __device__ __forceinline__ bool runs(const Job &job) {
    return job.content_wide == job.wide && job.content_tall == job.tall
        && job.width % RUN == 0 && (job.left - job.margin_left) % RUN == 0;
}

/* All of it at once: field by field, each load would wait for the one before. */
static __device__ __forceinline__ Job taken(const Job *from) {
    union {
        uint4 parts[sizeof(Job) / sizeof(uint4)];
        Job job;
    } whole;
#pragma unroll
    for (int i = 0; i < sizeof(Job) / sizeof(uint4); i++)
        whole.parts[i] = __ldg((const uint4 *)from + i);
    return whole.job;
}

template <typename Kind>
static __device__ __forceinline__ void tile(
    const Job *from, Kind *first, int height, int width) {
    const Job job = taken(from);
    const int tile_x = blockIdx.x * ACROSS, tile_y = blockIdx.y * DOWN;
    const long long plane = (long long)height * width;
    const Planes<Kind> planes = {first + job.planes * plane, height, width};
    const bool plain = !job.places && !job.denoise;
    const bool empty = tile_x + ACROSS <= job.margin_left
        || tile_y + DOWN <= job.margin_top
        || tile_x >= job.margin_left + job.content_wide
        || tile_y >= job.margin_top + job.content_tall;
    if (width % RUN == 0 && (empty || (plain && runs(job)))) {
        as_it_is(job, planes, tile_x, tile_y);
        return;
    }
    const int x = tile_x + threadIdx.y % (ACROSS / 32) * 32 + threadIdx.x;
    const int y = tile_y + threadIdx.y / (ACROSS / 32);
    if (x >= width) return;
    if (!plain)
        thorough(*from, planes.first, height, width, x, y);
    else if (job.by_area)
        by_area(job, planes, x, y);
    else
        bilinear(job, planes, x, y);
}
}

__global__ void __launch_bounds__(32 * WARPS, RESIDENT) prepare_half(
    const Job *__restrict__ jobs, Half *__restrict__ planes, int height, int width) {
    tile(jobs + blockIdx.z, planes, height, width);
}

__global__ void __launch_bounds__(32 * WARPS, RESIDENT) prepare_float(
    const Job *__restrict__ jobs, float *__restrict__ planes, int height, int width) {
    tile(jobs + blockIdx.z, planes, height, width);
}
