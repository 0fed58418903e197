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
