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
 * of it is used. The tests compile all of it for the host too: threads do not talk to
 * each other, arguments are pointers and integers. What is included here is put in its
 * place before a compiler sees it (__init__.py); each way has a part.
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

#include "planes.cuh"
#include "as_it_is.cuh"
#include "bilinear.cuh"
#include "by_area.cuh"
#include "thorough.cuh"

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
