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
