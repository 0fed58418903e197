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
