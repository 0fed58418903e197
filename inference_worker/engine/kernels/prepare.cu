/* Photos of any sizes to the planes that a network takes: one launch a batch.
 *
 * Its twin on the CPU is preprocess.letterbox behind optics.correct; the two agree
 * within 1/255. Lens and denoise are computed as OpenCV does, to the bit: 3 x 3 median
 * mixed with the photo, then a fixed-point map of 1/32 pixel. Resizing stays in floats,
 * without the twin's rounding to whole levels.
 *
 * A thread makes PIXELS neighbours of a row in three planes, so that a warp writes whole
 * sectors. The tests compile this file for the host too: threads do not talk to each
 * other, arguments are pointers and integers.
 */

#define PIXELS 4
#define GREY 114.0f /* preprocess.GREY */
#define TO_ONE (1.0f / 255.0f)
#define EDGE 1e-3f /* an overlap that OpenCV leaves out */

typedef unsigned char Byte;

/* What is done with one photo, or one template; `JOB` in preparing.py lays it out. */
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

struct Colour {
    float red, green, blue;
};

#ifndef HOST_HALF
static __device__ __forceinline__ unsigned short half_bits(float value) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif

static __device__ __forceinline__ int within(int value, int count) {
    return value < 0 ? 0 : value >= count ? count - 1 : value;
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
    const bool inside = x >= 0 && y >= 0 && x < job.width && y < job.height;
    return inside ? denoised(job, x, y, channel) : (int)GREY;
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

/* A pixel of the region; `plain` says that the photo is taken as it is. */
static __device__ __forceinline__ Colour pixel(const Job &job, int x, int y, bool plain) {
    const int column = job.left + x, row = job.top + y;
    Colour seen;
    if (plain) {
        const Byte *at = job.photo + (row * job.width + column) * 3;
        seen.red = (float)at[0], seen.green = (float)at[1], seen.blue = (float)at[2];
    } else {
        seen.red = (float)corrected(job, column, row, 0);
        seen.green = (float)corrected(job, column, row, 1);
        seen.blue = (float)corrected(job, column, row, 2);
    }
    return seen;
}

static __device__ __forceinline__ float between(float a, float b, float part) {
    return a + (b - a) * part;
}

static __device__ __forceinline__ Colour mixed(Colour a, Colour b, float part) {
    Colour out;
    out.red = between(a.red, b.red, part);
    out.green = between(a.green, b.green, part);
    out.blue = between(a.blue, b.blue, part);
    return out;
}

/* Where an output pixel's centre falls, as a first pixel and the part of the next. */
struct Tap {
    int first, next;
    float part;
};

static __device__ __forceinline__ Tap tap(int at, float scale, int count) {
    const float place = ((float)at + 0.5f) * scale - 0.5f;
    const float whole = floorf(place);
    Tap out;
    out.first = within((int)whole, count);
    out.next = within((int)whole + 1, count);
    out.part = place - whole;
    return out;
}

static __device__ __forceinline__ Colour bilinear(
    const Job &job, const Tap &column, const Tap &row, bool plain) {
    const Colour above = mixed(
        pixel(job, column.first, row.first, plain),
        pixel(job, column.next, row.first, plain), column.part);
    const Colour below = mixed(
        pixel(job, column.first, row.next, plain),
        pixel(job, column.next, row.next, plain), column.part);
    return mixed(above, below, row.part);
}

/* How much of pixel `i` lies between `begin` and `end`. */
static __device__ __forceinline__ float overlap(int i, float begin, float end) {
    const float low = begin > (float)i ? begin : (float)i;
    const float high = end < (float)(i + 1) ? end : (float)(i + 1);
    const float share = high - low;
    return share > EDGE ? share : 0.0f;
}

/* The mean of all that an output pixel covers. */
static __device__ __forceinline__ Colour area(
    const Job &job, int x, int y, float wide, float tall, bool plain) {
    const float left = (float)x * wide, top = (float)y * tall;
    const int last_column = within((int)(left + wide), job.wide);
    const int last_row = within((int)(top + tall), job.tall);
    Colour sum = {0.0f, 0.0f, 0.0f};
    float covered = 0.0f;
    for (int row = (int)top; row <= last_row; row++) {
        const float rows = overlap(row, top, top + tall);
        if (rows == 0.0f) continue;
        for (int column = (int)left; column <= last_column; column++) {
            const float share = rows * overlap(column, left, left + wide);
            if (share == 0.0f) continue;
            const Colour seen = pixel(job, column, row, plain);
            sum.red += share * seen.red;
            sum.green += share * seen.green;
            sum.blue += share * seen.blue;
            covered += share;
        }
    }
    const float one = 1.0f / covered;
    sum.red *= one, sum.green *= one, sum.blue *= one;
    return sum;
}

/* Out of line: what few photos need must not cost the others registers. */
static __device__ __noinline__ Colour thorough(
    const Job &job, int x, int y, float wide, float tall) {
    const bool plain = !job.places && !job.denoise;
    if (job.by_area) return area(job, x, y, wide, tall, plain);
    return bilinear(job, tap(x, wide, job.wide), tap(y, tall, job.tall), plain);
}

/* Four pixels of a photo that is neither resized nor corrected: twelve bytes. */
static __device__ __forceinline__ bool as_it_is(
    const Job &job, int x, int y, bool plain, Colour *out) {
    const bool whole = plain && job.content_wide == job.wide
        && job.content_tall == job.tall && y >= 0 && y < job.tall && x >= 0
        && x + PIXELS <= job.wide;
    if (!whole) return false;
    const Byte *at = job.photo + ((job.top + y) * job.width + job.left + x) * 3;
    if ((unsigned long long)at & 3u) return false;
    const unsigned *words = (const unsigned *)at;
    const unsigned a = words[0], b = words[1], c = words[2];
    out[0].red = (float)(a & 255u), out[0].green = (float)(a >> 8 & 255u);
    out[0].blue = (float)(a >> 16 & 255u), out[1].red = (float)(a >> 24);
    out[1].green = (float)(b & 255u), out[1].blue = (float)(b >> 8 & 255u);
    out[2].red = (float)(b >> 16 & 255u), out[2].green = (float)(b >> 24);
    out[2].blue = (float)(c & 255u), out[3].red = (float)(c >> 8 & 255u);
    out[3].green = (float)(c >> 16 & 255u), out[3].blue = (float)(c >> 24);
    return true;
}

/* PIXELS of the canvas, from column `x` of row `y`. */
static __device__ __forceinline__ void look(const Job &job, int x, int y, Colour *out) {
    const bool plain = !job.places && !job.denoise;
    x -= job.margin_left, y -= job.margin_top;
    if (as_it_is(job, x, y, plain, out)) return;
    const float wide = (float)job.wide / (float)job.content_wide;
    const float tall = (float)job.tall / (float)job.content_tall;
    const bool simple = plain && !job.by_area;
    const Tap row = tap(y, tall, job.tall);
#pragma unroll
    for (int i = 0; i < PIXELS; i++) {
        const int column = x + i;
        out[i].red = out[i].green = out[i].blue = GREY;
        if (column < 0 || column >= job.content_wide || y < 0 || y >= job.content_tall)
            continue;
        out[i] = simple ? bilinear(job, tap(column, wide, job.wide), row, true)
                        : thorough(job, column, y, wide, tall);
    }
}

struct __attribute__((aligned(8))) Halves {
    unsigned short value[PIXELS];
};
struct __attribute__((aligned(16))) Floats {
    float value[PIXELS];
};

#define AS_IT_IS(value) (value)

/* Batches whose canvas is no multiple of PIXELS wide are written one by one. */
#define STORE(name, Kind, Vector, convert)                                           \
    static __device__ __forceinline__ void name(                                     \
        Kind *row, int count, bool together, float a, float b, float c, float d) {   \
        Vector four;                                                                 \
        four.value[0] = convert(a * TO_ONE), four.value[1] = convert(b * TO_ONE);    \
        four.value[2] = convert(c * TO_ONE), four.value[3] = convert(d * TO_ONE);    \
        if (together) {                                                              \
            *(Vector *)row = four;                                                   \
            return;                                                                  \
        }                                                                            \
        for (int i = 0; i < count; i++) row[i] = four.value[i];                      \
    }

STORE(store_half, unsigned short, Halves, half_bits)
STORE(store_float, float, Floats, AS_IT_IS)

#define KERNEL(name, Kind, store)                                                    \
    __global__ void __launch_bounds__(256, 4) name(                                  \
        const Job *__restrict__ jobs, Kind *__restrict__ planes, int height,         \
        int width) {                                                                 \
        const int x = (blockIdx.x * blockDim.x + threadIdx.x) * PIXELS;              \
        const int y = blockIdx.y * blockDim.y + threadIdx.y;                         \
        if (x >= width || y >= height) return;                                       \
        const Job &job = jobs[blockIdx.z];                                           \
        Colour out[PIXELS];                                                          \
        look(job, x, y, out);                                                        \
        const int count = width - x < PIXELS ? width - x : PIXELS;                   \
        const bool together = width % PIXELS == 0;                                   \
        const long long plane = (long long)height * width;                           \
        Kind *row = planes + job.planes * plane + (long long)y * width + x;          \
        store(row, count, together, out[0].red, out[1].red, out[2].red, out[3].red); \
        store(row + plane, count, together, out[0].green, out[1].green,              \
              out[2].green, out[3].green);                                           \
        store(row + 2 * plane, count, together, out[0].blue, out[1].blue,            \
              out[2].blue, out[3].blue);                                             \
    }

KERNEL(prepare_half, unsigned short, store_half)
KERNEL(prepare_float, float, store_float)
