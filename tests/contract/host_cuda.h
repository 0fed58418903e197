/* What nvcc gives a kernel, for a C++ compiler: threads one after another.
 *
 * The kernels' own source follows, unmodified. Good for kernels whose threads do not
 * talk to each other, but for adding up, and whose arguments are pointers and integers.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define __global__ extern "C"
#define __device__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define HOST_HALF

struct uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

template <typename Kind> static Kind __ldg(const Kind *at) { return *at; }

static float __fdividef(float a, float b) { return a / b; }

static float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
}

static int atomicAdd(int *sum, int value) {
    const int before = *sum;
    *sum += value;
    return before;
}

static double __dmul_rn(double a, double b) { return a * b; }

static int __ffsll(long long bits) { return __builtin_ffsll(bits); }

/* Four of eight bytes; each digit of `which` names one. */
static unsigned __byte_perm(unsigned low, unsigned high, unsigned which) {
    const uint64_t both = (uint64_t)high << 32 | low;
    unsigned out = 0;
    for (int i = 0; i < 4; i++)
        out |= (unsigned)(both >> 8 * (which >> 4 * i & 7u) & 255u) << 8 * i;
    return out;
}

static unsigned __funnelshift_r(unsigned low, unsigned high, unsigned bits) {
    return (unsigned)(((uint64_t)high << 32 | low) >> (bits & 31u));
}

/* Two of 16 bits by the lower, or the upper, two of four bytes, and a sum. */
static unsigned __dp2a_lo(unsigned pair, unsigned bytes, unsigned sum) {
    return sum + (pair & 0xffffu) * (bytes & 255u) + (pair >> 16) * (bytes >> 8 & 255u);
}

static unsigned __dp2a_hi(unsigned pair, unsigned bytes, unsigned sum) {
    return __dp2a_lo(pair, bytes >> 16, sum);
}

struct Place {
    unsigned x, y, z;
};
static thread_local Place blockIdx, threadIdx, blockDim, gridDim;

/* To the nearest, even on a tie, as cvt.rn.f16.f32 does. */
static unsigned short half_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    const uint32_t sign = bits >> 16 & 0x8000u;
    const int exponent = (int)(bits >> 23 & 0xffu) - 112;
    uint32_t mantissa = bits & 0x7fffffu;
    if (exponent >= 31) return (unsigned short)(sign | 0x7c00u);
    int drop = 13;
    uint32_t base = exponent > 0 ? (uint32_t)exponent << 10 : 0;
    if (exponent <= 0) {
        if (exponent < -10) return (unsigned short)sign;
        mantissa |= 0x800000u;
        drop = 14 - exponent;
    }
    const uint32_t rest = mantissa & ((1u << drop) - 1), tie = 1u << (drop - 1);
    uint32_t half = base + (mantissa >> drop);
    if (rest > tie || (rest == tie && (half & 1u))) half++;
    return (unsigned short)(sign | half);
}

typedef void (*Launched)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

extern "C" void host_launch(
    Launched kernel, const unsigned *grid, const unsigned *block, const uint64_t *args) {
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    for (blockIdx.z = 0; blockIdx.z < grid[2]; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < grid[1]; blockIdx.y++)
    for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++)
    for (threadIdx.z = 0; threadIdx.z < block[2]; threadIdx.z++)
    for (threadIdx.y = 0; threadIdx.y < block[1]; threadIdx.y++)
    for (threadIdx.x = 0; threadIdx.x < block[0]; threadIdx.x++)
        kernel(args[0], args[1], args[2], args[3], args[4], args[5]);
}
