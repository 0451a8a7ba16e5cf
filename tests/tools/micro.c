/* SPDX-License-Identifier: MIT
 *
 * micro JPEG: what one call of each hot module costs, as a table.  CPU time of
 * one thread, the median of a few rounds; JPEG is a large 4:2:0 file, such as
 * mktiles makes.
 */
#include "../../src/pixels/compose.h"
#include "pnm.h"
#include <tiffuse/layout.h>
#include <tiffuse/lru.h>
#include <tiffuse/probe.h>
#include <tiffuse/source.h>
#include <tiffuse/vips_env.h>
#include <time.h>

enum { TILE = 512, SIDE = 1024, ROUNDS = 5, ROUND_MS = 80 };

static const TfSpace PLANAR = {TF_SPACE_YCBCR, 2, 2, false}, RGB = {TF_SPACE_RGB, 1, 1, false};

static volatile uint64_t sink; /* what is computed is used */

typedef void (*RunFunc)(void *data);

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* `n` operations, or px pixels, in one call. */
static void report(const char *name, RunFunc run, void *data, double n, double px)
{
	double ns[ROUNDS];
	run(data); /* the first call finds cold caches */
	for (int i = 0; i < ROUNDS; i++) {
		int calls = 0;
		double start = cpu_ms(), now;
		do {
			run(data);
			calls++;
			now = cpu_ms();
		} while (now - start < ROUND_MS);
		ns[i] = (now - start) * 1e6 / calls;
	}
	qsort(ns, ROUNDS, sizeof *ns, compare);
	double median = ns[ROUNDS / 2];
	if (px > 0)
		printf("| %s | %.1f us | %.0f Mpx/s |\n", name, median / 1e3, px * 1e3 / median);
	else
		printf("| %s | %.0f ns | |\n", name, median / n);
	fflush(stdout);
}

/* --- layout ------------------------------------------------------------------ */

enum { N_PLACES = 4096 };

typedef struct {
	TfLayout layout;
	uint64_t offset[N_PLACES], ordinal[N_PLACES];
	TfTile tile[N_PLACES];
} Places;

static void run_find(void *data)
{
	Places *p = data;
	for (int i = 0; i < N_PLACES; i++)
		sink += tf_layout_find(&p->layout, p->offset[i]).start;
}

static void run_offset(void *data)
{
	Places *p = data;
	for (int i = 0; i < N_PLACES; i++)
		sink += tf_layout_tile_offset(&p->layout, p->tile[i]);
}

static void run_ordinal(void *data)
{
	Places *p = data;
	for (int i = 0; i < N_PLACES; i++)
		sink += tf_layout_ordinal(&p->layout, p->tile[i]);
}

static void run_tile_at(void *data)
{
	Places *p = data;
	for (int i = 0; i < N_PLACES; i++)
		sink += (uint64_t)tf_layout_tile_at(&p->layout, p->ordinal[i]).col;
}

static void bench_layout(void)
{
	g_autofree Places *p = g_new0(Places, 1);
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	TfPyramid pyramid;
	TfLayoutParams params = {.header_bytes = TF_MIB, .slot_bytes = 128 * TF_KIB};
	if (!tf_pyramid_init(&pyramid, 95000, 80000, TILE, false, NULL) ||
	    !tf_layout_init(&p->layout, &pyramid, &params, NULL))
		die("layout");
	for (int i = 0; i < N_PLACES; i++) {
		p->offset[i] = (uint64_t)g_rand_double_range(random, 0, (double)p->layout.file_bytes);
		p->ordinal[i] = (uint64_t)g_rand_double_range(random, 0, (double)p->layout.n_slots);
		p->tile[i] = tf_layout_tile_at(&p->layout, p->ordinal[i]);
	}
	report("layout: region at an offset", run_find, p, N_PLACES, 0);
	report("layout: offset of a tile", run_offset, p, N_PLACES, 0);
	report("layout: ordinal of a tile", run_ordinal, p, N_PLACES, 0);
	report("layout: tile of an ordinal", run_tile_at, p, N_PLACES, 0);
}

/* --- lru --------------------------------------------------------------------- */

enum { N_ENTRIES = 2000 };

static void *ref_value(void *value)
{
	return g_atomic_rc_box_acquire(value);
}

static void unref_value(void *value)
{
	g_atomic_rc_box_release(value);
}

static void run_get(void *data)
{
	for (uint64_t i = 0; i < N_ENTRIES; i++)
		unref_value(tf_lru_get(data, 0, i * 7919 % N_ENTRIES));
}

static void run_put(void *data)
{
	for (uint64_t i = 0; i < N_ENTRIES; i++)
		tf_lru_put(data, 0, i * 7919 % N_ENTRIES, g_atomic_rc_box_alloc(16));
}

static void bench_lru(void)
{
	static const TfLruClass classes[] = {{.ref = ref_value, .unref = unref_value}};
	g_autoptr(TfLru) lru = tf_lru_new(classes, 1, TF_GIB);
	run_put(lru);
	report("lru: get and release", run_get, lru, N_ENTRIES, 0);
	report("lru: put over an old value", run_put, lru, N_ENTRIES, 0);
}

/* --- samples ----------------------------------------------------------------- */

static TfSamples *noise(TfSpace space, int32_t side)
{
	TfSamples *samples = tf_samples_new(space, side, side, 0, TF_MEMORY_STRIPS, NULL);
	if (!samples)
		die("no memory");
	g_autoptr(GRand) random = g_rand_new_with_seed(2);
	for (int p = 0; p < tf_space_planes(space); p++)
		for (int32_t y = 0; y < samples->plane[p].height; y++)
			for (int32_t x = 0; x < samples->plane[p].width * tf_space_bands(space); x++)
				samples->plane[p].data[y * samples->plane[p].stride + x] =
					(uint8_t)(64 + (x + y) / 16 % 128 + g_rand_int_range(random, 0, 12));
	return samples;
}

typedef struct {
	TfSpace space;
	TfScene *scene;
	GArray *fragments;
	TfStrip *strips[16];
	TfSamples *out;
	TfRect rect;
} Seams;

static void run_compose(void *data)
{
	static const uint8_t background[3] = {0, 128, 128};
	Seams *s = data;
	TfTileInput input = {.fragments = (const TfFragment *)s->fragments->data,
			     .strips = s->strips,
			     .n_fragments = s->fragments->len};
	for (int p = 0; p < tf_space_planes(s->space); p++) {
		TfComposeTarget target = {.scene = s->scene,
					  .space = s->space,
					  .plane = p,
					  .left = s->rect.x0 / tf_space_hsamp(s->space, p),
					  .top = s->rect.y0 / tf_space_vsamp(s->space, p),
					  .to = s->out->plane[p],
					  .background = background};
		tf_compose(&target, &input);
	}
	sink += s->out->plane[0].data[0];
}

/* A tile in the middle of four sources, `pitch` apart: below SIDE they overlap. */
static void bench_compose(const char *name, TfSpace space, int64_t pitch)
{
	int64_t start = pitch - TILE / 2;
	start -= start % 2;
	Seams s = {.space = space, .scene = tf_scene_new(false), .rect = {start, start, start + TILE, start + TILE}};
	for (int i = 0; i < 4; i++) {
		TfSource source = {.path = "/none", .orientation = 1, .width = SIDE, .height = SIDE};
		source.x = i % 2 * pitch;
		source.y = i / 2 * pitch;
		tf_scene_add(s.scene, &source);
	}
	if (!tf_scene_freeze(s.scene, NULL))
		die("scene");
	s.fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	tf_scene_visible(s.scene, s.rect, s.fragments);
	if (s.fragments->len > G_N_ELEMENTS(s.strips))
		die("%u fragments", s.fragments->len);
	for (guint i = 0; i < s.fragments->len; i++)
		s.strips[i] = tf_strip_new(0, 0, noise(space, SIDE));
	s.out = noise(space, TILE);
	report(name, run_compose, &s, 1, TILE * TILE);
	for (guint i = 0; i < s.fragments->len; i++)
		tf_strip_unref(s.strips[i]);
	g_array_free(s.fragments, TRUE);
	tf_samples_unref(s.out);
	tf_scene_free(s.scene);
}

typedef struct {
	TfSamples *in, *out;
} Mean;

static void run_mean(void *data)
{
	Mean *m = data;
	for (int p = 0; p < tf_space_planes(m->in->space); p++)
		tf_plane_halve(&m->in->plane[p], m->in->space, &m->out->plane[p]);
	sink += m->out->plane[0].data[0];
}

static void bench_mean(const char *name, TfSpace space)
{
	g_autoptr(TfSamples) in = noise(space, TILE), out = noise(space, TILE / 2);
	report(name, run_mean, &(Mean){in, out}, 1, TILE * TILE);
}

/* --- codecs ------------------------------------------------------------------ */

typedef struct {
	TfSources *sources;
	int32_t first, end; /* rows, read strip by strip */
	TfSamples *tile;
	TfEncoder encoder;
} Codec;

static TfStrip *read_strips(const Codec *codec)
{
	TfDecodeCount count = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(TfCursor) cursor = tf_cursor_open(codec->sources, 0, codec->first, &error);
	TfStrip *strip = NULL;
	for (int32_t y = codec->first; cursor && y < codec->end; y += TILE) {
		g_clear_pointer(&strip, tf_strip_unref);
		strip = tf_cursor_read(cursor, y, MIN(y + TILE, codec->end), &count, &error);
		if (!strip)
			break;
	}
	if (error)
		die("%s", error->message);
	return strip;
}

static void run_decode(void *data)
{
	tf_strip_unref(read_strips(data));
}

static void run_encode(void *data)
{
	const Codec *codec = data;
	bool requantised = false;
	g_autoptr(GBytes) bytes = tf_encode_tile(&codec->encoder, codec->tile->plane, &requantised, NULL);
	if (!bytes || requantised)
		die("a tile did not fit into its slot");
	sink += g_bytes_get_size(bytes);
}

/* A tile of real pixels: what encoding costs depends on them. */
static TfSamples *cut_tile(const Codec *codec)
{
	g_autoptr(TfStrip) strip = read_strips(codec);
	TfSamples *tile = tf_samples_new(strip->samples->space, TILE, TILE, 0, TF_MEMORY_STRIPS, NULL);
	if (!tile)
		die("no memory");
	for (int p = 0; p < tf_space_planes(tile->space); p++) {
		const TfPlane *from = &strip->samples->plane[p], *to = &tile->plane[p];
		for (int32_t y = 0; y < to->height; y++)
			memcpy(to->data + y * to->stride, from->data + y * from->stride,
			       (size_t)(to->width * tf_space_bands(tile->space)));
	}
	return tile;
}

static void bench_codec(const char *name, const TfScene *scene, const TfProfiles *profiles, TfSpace space)
{
	const TfSource *source = tf_scene_source(scene, 0);
	TfSourcesOptions options = {.space = space, .max_open = 16};
	g_autoptr(TfSources) sources = tf_sources_new(scene, profiles, &options);
	Codec codec = {.sources = sources, .first = 0, .end = source->height};
	codec.encoder = (TfEncoder){.compression = TF_COMPRESSION_JPEG, .space = space, .hsamp = 2, .vsamp = 2};
	codec.encoder.quality = 85;
	codec.encoder.tile = TILE;
	codec.encoder.slot_bytes = 2 * TILE * TILE;
	g_autofree char *decode = g_strdup_printf("decode: %s, top to bottom", name);
	g_autofree char *skip = g_strdup_printf("decode: %s, one strip in the middle (all rows above count)", name);
	g_autofree char *encode = g_strdup_printf("encode: %s, quality 85", name);
	report(decode, run_decode, &codec, 1, (double)source->width * source->height);
	codec.first = source->height / 2 / TILE * TILE;
	codec.end = codec.first + TILE;
	report(skip, run_decode, &codec, 1, (double)source->width * codec.end);
	codec.tile = cut_tile(&codec);
	report(encode, run_encode, &codec, 1, TILE * TILE);
	tf_samples_unref(codec.tile);
}

static void bench_codecs(const char *path)
{
	TfProbeOptions options = {.threads = 1};
	TfImageInfo info;
	g_autoptr(TfProfiles) profiles = NULL;
	g_autoptr(GError) error = NULL;
	if (!tf_probe_all(&path, 1, &options, &info, &profiles, &error))
		die("%s", error->message);
	if (info.width < TILE || info.height < 2 * TILE || info.hsamp != 2 || info.vsamp != 2 || info.progressive)
		die("%s: expected a baseline 4:2:0 JPEG of at least %dx%d", path, TILE, 2 * TILE);
	g_autoptr(TfScene) scene = tf_scene_new(false);
	TfSource source = {.path = path, .info = info, .orientation = 1, .width = info.width, .height = info.height};
	tf_scene_add(scene, &source);
	if (!tf_scene_freeze(scene, &error))
		die("%s", error->message);
	bench_codec("planar", scene, profiles, PLANAR);
	bench_codec("RGB", scene, profiles, RGB);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		die("usage: micro JPEG");
	g_autofree char *path = realpath(argv[1], NULL);
	g_autoptr(GError) error = NULL;
	if (!path || !tf_vips_start(&error))
		die("%s: %s", argv[1], error ? error->message : g_strerror(errno));
	tf_memory_keep_spare(64 * TF_MIB, 0); /* as the engine does */
	printf("| what | a call | rate |\n|---|---|---|\n");
	bench_layout();
	bench_lru();
	bench_compose("compose: planar, four sources side by side", PLANAR, SIDE);
	bench_compose("compose: planar, odd offsets and overlap", PLANAR, SIDE - 23);
	bench_compose("compose: RGB, four sources side by side", RGB, SIDE);
	bench_mean("mean: planar", PLANAR);
	bench_mean("mean: RGB", RGB);
	bench_codecs(path);
	tf_vips_stop();
	return 0;
}
