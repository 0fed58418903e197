/* A network's raw output to what each image keeps of it: four launches a batch.
 *
 * Its twin on the CPU is postprocess.find, up to the way back to the photo; the two
 * agree to the bit. Floats pass unchanged, and overlaps are computed in double
 * precision as numpy does, no product fused with the sum that follows it.
 *
 * A card whose blocks come in any order has no cheap sorting, but no two candidates
 * are equal, since an anchor has one: so each counts those before it. The tests compile
 * this file for the host too: threads do not talk to each other, arguments are pointers
 * and integers. blockIdx.z is the image.
 */

#define LISTED 4096 /* candidates of an image; finding.LISTED */
#define RANKED 1000 /* postprocess.MAX_CANDIDATES */
#define KEPT 300    /* postprocess.MAX_DETECTIONS */
#define WORD 64
#define WORDS ((RANKED + WORD - 1) / WORD)

typedef unsigned long long Word;

/* What is asked for one image, and answered; `SEARCH` in finding.py lays it out. */
struct Search {
    double iou;
    float threshold;
    int candidates; /* 0 before; where it ends above LISTED, nothing else is answered */
    int unfit;      /* 0 before; whether a number is none, or infinite */
    int kept;
};

/* `ROW` in finding.py lays it out. */
struct Row {
    float left, top, right, bottom; /* canvas pixels */
    float score;
    int kind;
};

static __device__ __forceinline__ bool is_number(float value) {
    return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u;
}

/* Candidates in the list, or in the ranking where `most` is RANKED. */
static __device__ __forceinline__ int many(const Search *search, int most) {
    const int found = search->candidates;
    return found > LISTED ? 0 : found < most ? found : most;
}

/* Smaller is better: by score, then by anchor. Of equal zeros the sign is dropped. */
static __device__ __forceinline__ Word key(float score, int anchor) {
    const unsigned bits = __float_as_uint(score + 0.0f);
    const unsigned rising = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (Word)~rising << 32 | (unsigned)anchor;
}

/* A thread an anchor: its best class, and into the list if that reaches the threshold.
 * `output` is (images, anchors, 4 + classes).
 */
__global__ void find_candidates(
    const float *__restrict__ output, Search *__restrict__ searches,
    Word *__restrict__ keys, Row *__restrict__ rows, int anchors, int classes) {
    const int anchor = blockIdx.x * blockDim.x + threadIdx.x;
    if (anchor >= anchors) return;
    Search *search = searches + blockIdx.z;
    const float *from =
        output + ((long long)blockIdx.z * anchors + anchor) * (4 + classes);
    Row row = {from[0], from[1], from[2], from[3], from[4], 0};
    bool fit = is_number(row.left) && is_number(row.top) && is_number(row.right)
        && is_number(row.bottom) && is_number(row.score);
    for (int kind = 1; kind < classes; kind++) {
        const float score = from[4 + kind];
        fit = fit && is_number(score);
        if (score > row.score) row.score = score, row.kind = kind;
    }
    if (!fit) search->unfit = 1;
    if (!(row.score >= search->threshold)) return;
    const int at = atomicAdd(&search->candidates, 1);
    if (at >= LISTED) return;
    keys[blockIdx.z * LISTED + at] = key(row.score, anchor);
    rows[blockIdx.z * LISTED + at] = row;
}

/* A thread a candidate: to its place among the best. */
__global__ void find_ranks(
    const Search *__restrict__ searches, const Word *__restrict__ keys,
    const Row *__restrict__ rows, Row *__restrict__ ranked) {
    const int at = blockIdx.x * blockDim.x + threadIdx.x;
    const int listed = many(searches + blockIdx.z, LISTED);
    if (at >= listed) return;
    keys += blockIdx.z * LISTED;
    const Word mine = keys[at];
    int better = 0;
    for (int i = 0; i < listed; i++) better += keys[i] < mine;
    if (better < RANKED)
        ranked[blockIdx.z * RANKED + better] = rows[blockIdx.z * LISTED + at];
}

static __device__ __forceinline__ double area(double wide, double tall) {
    return __dmul_rn(wide > 0.0 ? wide : 0.0, tall > 0.0 ? tall : 0.0);
}

static __device__ __forceinline__ double area_of(const Row &row) {
    return area((double)row.right - row.left, (double)row.bottom - row.top);
}

/* As nms.py has it: of one class, and sharing more than they may. */
static __device__ __forceinline__ bool overlap(
    const Row &better, const Row &worse, double iou) {
    if (better.kind != worse.kind) return false;
    const double left = better.left > worse.left ? better.left : worse.left;
    const double top = better.top > worse.top ? better.top : worse.top;
    const double right = better.right < worse.right ? better.right : worse.right;
    const double bottom = better.bottom < worse.bottom ? better.bottom : worse.bottom;
    const double shared = area(right - left, bottom - top);
    const double both = area_of(worse) + area_of(better) - shared;
    return shared > __dmul_rn(iou, both);
}

/* A thread a box and WORD others: a bit for each worse one that it overlaps. Words
 * without any that is worse are left as they are: nothing depends on them.
 */
__global__ void find_overlaps(
    const Search *__restrict__ searches, const Row *__restrict__ ranked,
    Word *__restrict__ overlaps) {
    const int at = blockIdx.x * blockDim.x + threadIdx.x;
    const int first = blockIdx.y * WORD;
    const int all = many(searches + blockIdx.z, RANKED);
    if (at >= all || first >= all || first + WORD <= at) return;
    const double iou = searches[blockIdx.z].iou;
    ranked += blockIdx.z * RANKED;
    const Row mine = ranked[at];
    Word bits = 0;
    const int end = first + WORD < all ? first + WORD : all;
    for (int i = at < first ? first : at + 1; i < end; i++)
        if (overlap(mine, ranked[i], iou)) bits |= 1ull << (i - first);
    overlaps[(blockIdx.z * RANKED + at) * WORDS + blockIdx.y] = bits;
}

/* A thread an image: best first, each that stays pushes out those that it overlaps. */
__global__ void find_kept(
    Search *__restrict__ searches, const Row *__restrict__ ranked,
    const Word *__restrict__ overlaps, Row *__restrict__ kept) {
    const int all = many(searches + blockIdx.z, RANKED);
    ranked += blockIdx.z * RANKED;
    overlaps += blockIdx.z * RANKED * WORDS;
    kept += blockIdx.z * KEPT;
    Word pushed[WORDS] = {};
    int count = 0;
#pragma unroll
    for (int word = 0; word < WORDS; word++) {
        const int rest = all - word * WORD;
        if (rest <= 0) break;
        const Word there = rest < WORD ? (1ull << rest) - 1 : ~0ull;
        for (Word open; (open = there & ~pushed[word]) && count < KEPT;) {
            const int at = word * WORD + __ffsll(open) - 1;
            const Word *mine = overlaps + at * WORDS;
            kept[count++] = ranked[at];
#pragma unroll
            for (int later = word; later < WORDS; later++) pushed[later] |= mine[later];
            pushed[word] |= open & (0 - open); /* itself: it has had its turn */
        }
    }
    searches[blockIdx.z].kept = count;
}
