/* SPDX-License-Identifier: MIT
 *
 * latency tiles FILE SOURCES.csv N SEED   cold tiles of level 0, each of another source
 * latency top FILE                        all tiles of the smallest level
 * latency trace FILE READS SEED           a viewer's way through all levels
 *
 * How long reads of a mounted file's tiles take, in ms, as "key value" lines.
 * SOURCES.csv is the mount's .tiffuse/sources.csv.  All need JPEG tiles.
 */
#include "latency.h"

enum { IN_FLIGHT = 4, VIEW_COLUMNS = 4, VIEW_ROWS = 3 };

/* --- tiles ------------------------------------------------------------------- */

typedef struct {
	int64_t x, y, width, height;
} Source;

/* Names may hold commas, so the line is read from its end. */
static bool parse_source(char *line, Source *source)
{
	int64_t *const fields[] = {&source->height, &source->width, &source->y, &source->x};
	for (int i = 0; i < 4; i++) {
		char *comma = strrchr(line, ','), *end;
		if (!comma)
			return false;
		*fields[i] = g_ascii_strtoll(comma + 1, &end, 10);
		if (end == comma + 1)
			return false;
		*comma = '\0';
	}
	return true;
}

static GArray *read_sources(const char *path)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		die("%s: cannot be read", path);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
	GArray *sources = g_array_new(FALSE, FALSE, sizeof(Source));
	for (int i = 1; lines[0] && lines[i]; i++) {
		Source source;
		if (parse_source(lines[i], &source))
			g_array_append_val(sources, source);
	}
	return sources;
}

static void shuffle(GArray *sources, GRand *random)
{
	for (guint i = sources->len; i > 1; i--) {
		Source *a = &g_array_index(sources, Source, i - 1);
		Source *b = &g_array_index(sources, Source, (guint)g_rand_int_range(random, 0, (gint32)i));
		Source keep = *a;
		*a = *b;
		*b = keep;
	}
}

/* A random tile that lies within the source and has a left neighbour that does. */
static bool tile_within(const Level *level, const Source *source, GRand *random, Tile *tile)
{
	int64_t side = level->tile;
	int64_t c0 = (source->x + side - 1) / side + 1, c1 = (source->x + source->width) / side;
	int64_t r0 = (source->y + side - 1) / side, r1 = (source->y + source->height) / side;
	if (c0 >= c1 || r0 >= r1)
		return false;
	*tile = (Tile){0, (uint32_t)g_rand_int_range(random, (gint32)c0, (gint32)c1),
		       (uint32_t)g_rand_int_range(random, (gint32)r0, (gint32)r1)};
	return true;
}

/* The neighbour is the left one: what the kernel reads ahead lies behind. */
static void time_tiles(const Slots *slots, const char *csv, guint n, guint32 seed)
{
	g_autoptr(GArray) sources = read_sources(csv), cold = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) neighbour = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) cached = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	shuffle(sources, random);
	for (guint i = 0; i < sources->len && cold->len < n; i++) {
		Tile tile;
		if (!tile_within(&slots->level[0], &g_array_index(sources, Source, i), random, &tile))
			continue;
		double ms = read_slot(slots, tile, false);
		g_array_append_val(cold, ms);
		Tile left = {0, tile.column - 1, tile.row};
		ms = read_slot(slots, left, false);
		g_array_append_val(neighbour, ms);
		ms = read_slot(slots, left, true);
		g_array_append_val(cached, ms);
	}
	printf("n %u\ncold_p50 %.3f\ncold_p99 %.3f\n", cold->len, quantile(cold, 0.5), quantile(cold, 0.99));
	printf("neighbour_p50 %.3f\nneighbour_p99 %.3f\n", quantile(neighbour, 0.5), quantile(neighbour, 0.99));
	printf("cached_p50 %.3f\ncached_p99 %.3f\n", quantile(cached, 0.5), quantile(cached, 0.99));
}

/* --- top --------------------------------------------------------------------- */

static void time_top(const Slots *slots)
{
	int top = slots->n_levels - 1;
	const Level *level = &slots->level[top];
	double start = now_ms();
	for (uint32_t row = 0; row < level->rows; row++)
		for (uint32_t column = 0; column < level->columns; column++)
			read_slot(slots, (Tile){top, column, row}, false);
	printf("top %.3f\n", now_ms() - start);
}

/* --- trace ------------------------------------------------------------------- */

typedef struct {
	const Slots *slots;
	const Tile *tiles; /* of one view */
	double *ms;
	guint n;
	gint next; /* atomic */
} View;

static void *read_view(void *data)
{
	View *view = data;
	for (;;) {
		guint i = (guint)g_atomic_int_add(&view->next, 1);
		if (i >= view->n)
			return NULL;
		view->ms[i] = read_slot(view->slots, view->tiles[i], false);
	}
}

typedef struct {
	const Slots *slots;
	GHashTable *seen; /* what the viewer holds: it asks for no tile twice */
	guint left;       /* reads until the end */
	GArray *low, *high;
} Trace;

/* One screen around (u, v), parts of the mosaic: the user waits for all of it
 * before he moves on. */
static void show(Trace *trace, int k, double u, double v)
{
	const Level *level = &trace->slots->level[k];
	Tile tiles[VIEW_COLUMNS * VIEW_ROWS];
	double ms[VIEW_COLUMNS * VIEW_ROWS];
	guint n = 0;
	int64_t column = (int64_t)(u * level->columns) - VIEW_COLUMNS / 2, row = (int64_t)(v * level->rows) - VIEW_ROWS / 2;
	for (int64_t r = MAX(row, 0); r < MIN(row + VIEW_ROWS, level->rows); r++) {
		for (int64_t c = MAX(column, 0); c < MIN(column + VIEW_COLUMNS, level->columns); c++) {
			gint64 key = ((gint64)k << 58) | r << 29 | c;
			if (n == trace->left || g_hash_table_contains(trace->seen, &key))
				continue;
			g_hash_table_add(trace->seen, g_memdup2(&key, sizeof key));
			tiles[n++] = (Tile){k, (uint32_t)c, (uint32_t)r};
		}
	}
	trace->left -= n;
	View view = {trace->slots, tiles, ms, n, 0};
	GThread *threads[IN_FLIGHT];
	for (int i = 0; i < IN_FLIGHT; i++)
		threads[i] = g_thread_new("viewer", read_view, &view);
	for (int i = 0; i < IN_FLIGHT; i++)
		g_thread_join(threads[i]);
	g_array_append_vals(k < 3 ? trace->low : trace->high, ms, n);
}

/* Into the picture at some place, level by level, a look around there, and out
 * again. */
static void visit(Trace *trace, GRand *random)
{
	int top = trace->slots->n_levels - 1, deep = g_rand_int_range(random, 0, MIN(top, 2) + 1);
	double u = g_rand_double_range(random, 0.1, 0.9), v = g_rand_double_range(random, 0.1, 0.9);
	for (int k = top; k >= deep && trace->left > 0; k--)
		show(trace, k, u, v);
	const Level *level = &trace->slots->level[deep];
	double angle = g_rand_double_range(random, 0, 2 * G_PI);
	for (int step = 0; step < 4 && trace->left > 0; step++) {
		u = CLAMP(u + 2 * cos(angle) / level->columns, 0, 1);
		v = CLAMP(v + 2 * sin(angle) / level->rows, 0, 1);
		show(trace, deep, u, v);
	}
	for (int k = deep + 1; k <= top && trace->left > 0; k++)
		show(trace, k, u, v);
}

static void print_trace(const char *name, GArray *ms)
{
	printf("%s_n %u\n%s_p50 %.3f\n%s_p95 %.3f\n%s_max %.3f\n", name, ms->len, name, quantile(ms, 0.5), name,
	       quantile(ms, 0.95), name, quantile(ms, 1));
}

static void time_trace(const Slots *slots, guint reads, guint32 seed)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(seed);
	g_autoptr(GArray) low = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GArray) high = g_array_new(FALSE, FALSE, sizeof(double));
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	Trace trace = {slots, seen, reads, low, high};
	/* a small mosaic may not have so many tiles */
	for (guint visits = 0; trace.left > 0 && visits < reads; visits++)
		visit(&trace, random);
	print_trace("low", low);
	print_trace("high", high);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	bool tiles = strcmp(mode, "tiles") == 0 && argc == 6, trace = strcmp(mode, "trace") == 0 && argc == 5;
	if (!tiles && !trace && !(strcmp(mode, "top") == 0 && argc == 3))
		die("usage: latency tiles FILE SOURCES.csv N SEED | top FILE | trace FILE READS SEED");
	Slots slots = slots_read(argv[2]);
	if (tiles)
		time_tiles(&slots, argv[3], (guint)g_ascii_strtoull(argv[4], NULL, 10),
			   (guint32)g_ascii_strtoull(argv[5], NULL, 10));
	else if (trace)
		time_trace(&slots, (guint)g_ascii_strtoull(argv[3], NULL, 10),
			   (guint32)g_ascii_strtoull(argv[4], NULL, 10));
	else
		time_top(&slots);
	slots_clear(&slots);
	return 0;
}
