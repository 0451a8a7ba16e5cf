/* SPDX-License-Identifier: MIT */
#include <tiffuse/survey.h>

#include <stdlib.h>
#include <string.h>

enum {
	MAX_PAIRS = 4 << 20,
	HOLE_CELLS = 384, /* along the longer side */
};

/* --- areas: a line sweeps down over the edges of all sources ---------------------- */

/* A node of the segment tree over the compressed x coordinates: how many
 * sources cover all of it, and the length under at least one and two. */
typedef struct {
	int32_t count;
	int64_t once, twice;
} Node;

typedef struct {
	int64_t y;
	uint32_t left, right; /* places in xs */
	int8_t step;
} Edge;

typedef struct {
	int64_t *xs;
	uint32_t n_xs;
	Node *nodes;
} Sweep;

static int compare_int64(const void *a, const void *b)
{
	int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
	return (first > second) - (first < second);
}

static int compare_edges(const void *a, const void *b)
{
	return compare_int64(&((const Edge *)a)->y, &((const Edge *)b)->y);
}

static void pull(Sweep *sweep, uint32_t node, uint32_t begin, uint32_t end)
{
	Node *n = &sweep->nodes[node];
	bool leaf = end - begin == 1;
	int64_t all = sweep->xs[end] - sweep->xs[begin];
	int64_t once = leaf ? 0 : sweep->nodes[2 * node].once + sweep->nodes[2 * node + 1].once;
	int64_t twice = leaf ? 0 : sweep->nodes[2 * node].twice + sweep->nodes[2 * node + 1].twice;
	n->once = n->count > 0 ? all : once;
	n->twice = n->count > 1 ? all : n->count == 1 ? once : twice;
}

static void add(Sweep *sweep, uint32_t node, uint32_t begin, uint32_t end, const Edge *edge)
{
	if (edge->left >= end || edge->right <= begin)
		return;
	if (edge->left <= begin && end <= edge->right) {
		sweep->nodes[node].count += edge->step;
	} else {
		uint32_t middle = begin + (end - begin) / 2;
		add(sweep, 2 * node, begin, middle, edge);
		add(sweep, 2 * node + 1, middle, end, edge);
	}
	pull(sweep, node, begin, end);
}

static uint32_t place_of(const Sweep *sweep, int64_t x)
{
	const int64_t *found = bsearch(&x, sweep->xs, sweep->n_xs, sizeof x, compare_int64);
	return (uint32_t)(found - sweep->xs);
}

static void collect_xs(const TfScene *scene, Sweep *sweep)
{
	uint32_t n = tf_scene_n_placed(scene), kept = 0;
	sweep->xs = g_new(int64_t, 2 * n);
	for (uint32_t i = 0; i < n; i++) {
		TfRect r = tf_scene_source_rect(scene, i);
		sweep->xs[2 * i] = r.x0;
		sweep->xs[2 * i + 1] = r.x1;
	}
	qsort(sweep->xs, 2 * n, sizeof *sweep->xs, compare_int64);
	for (uint32_t i = 0; i < 2 * n; i++)
		if (i == 0 || sweep->xs[i] != sweep->xs[kept - 1])
			sweep->xs[kept++] = sweep->xs[i];
	sweep->n_xs = kept;
}

static void measure_areas(const TfScene *scene, TfSurvey *survey)
{
	uint32_t n = tf_scene_n_placed(scene);
	Sweep sweep;
	collect_xs(scene, &sweep);
	g_autofree int64_t *xs = g_steal_pointer(&sweep.xs);
	sweep.xs = xs;
	g_autofree Edge *edges = g_new(Edge, 2 * n);
	g_autofree Node *nodes = g_new0(Node, 4 * sweep.n_xs);
	sweep.nodes = nodes;
	for (uint32_t i = 0; i < n; i++) {
		TfRect r = tf_scene_source_rect(scene, i);
		Edge edge = {r.y0, place_of(&sweep, r.x0), place_of(&sweep, r.x1), 1};
		edges[2 * i] = edge;
		edge.y = r.y1;
		edge.step = -1;
		edges[2 * i + 1] = edge;
	}
	qsort(edges, 2 * n, sizeof *edges, compare_edges);
	for (uint32_t i = 0; i < 2 * n; i++) {
		uint64_t height = i == 0 ? 0 : (uint64_t)(edges[i].y - edges[i - 1].y);
		survey->covered_px += height * (uint64_t)nodes[1].once;
		survey->overlap_px += height * (uint64_t)nodes[1].twice;
		add(&sweep, 1, 0, sweep.n_xs - 1, &edges[i]);
	}
	survey->hole_px = (uint64_t)tf_scene_width(scene) * (uint64_t)tf_scene_height(scene) - survey->covered_px;
}

/* --- pairs ------------------------------------------------------------------------- */

static int64_t area(TfRect r)
{
	return tf_rect_is_empty(r) ? 0 : (r.x1 - r.x0) * (r.y1 - r.y0);
}

static void compare_pairs(const TfScene *scene, uint32_t i, const GArray *near, TfSurvey *survey)
{
	for (guint k = 0; k < near->len; k++) {
		uint32_t other = g_array_index(near, uint32_t, k);
		if (other <= i)
			continue;
		TfRect common = tf_rect_intersect(tf_scene_source_rect(scene, i), tf_scene_source_rect(scene, other));
		if (area(common) <= area(survey->overlap))
			continue;
		survey->has_overlap = true;
		survey->overlap = common;
		survey->overlap_a = i;
		survey->overlap_b = other;
	}
}

static bool is_seen(const TfScene *scene, uint32_t i, GArray *fragments)
{
	g_array_set_size(fragments, 0);
	tf_scene_visible(scene, tf_scene_source_rect(scene, i), fragments);
	for (guint f = 0; f < fragments->len; f++)
		if (g_array_index(fragments, TfFragment, f).source == i)
			return true;
	return false;
}

/* A heap of n sources has n^2 pairs: after a few million it is enough. */
static void look_at_pairs(const TfScene *scene, TfSurvey *survey)
{
	g_autoptr(GArray) near = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	uint32_t n = tf_scene_n_placed(scene);
	uint64_t work = 0;
	for (uint32_t i = 0; i < n && !survey->partly; i++) {
		g_array_set_size(near, 0);
		tf_scene_query(scene, tf_scene_source_rect(scene, i), near);
		compare_pairs(scene, i, near, survey);
		work += near->len;
		if (near->len > 1 && !is_seen(scene, i, fragments) && survey->n_hidden++ == 0)
			survey->hidden = i;
		work += fragments->len;
		survey->partly = work > MAX_PAIRS && i + 1 < n;
	}
}

/* --- the largest hole ------------------------------------------------------------- */

typedef struct {
	int64_t step;
	int32_t cols, rows;
	uint8_t *empty; /* 1: no source touches the cell; 2: counted */
	GArray *stack;  /* int32_t */
} Cells;

static void visit(Cells *cells, int32_t col, int32_t row)
{
	if (col < 0 || row < 0 || col >= cells->cols || row >= cells->rows)
		return;
	int32_t at = row * cells->cols + col;
	if (cells->empty[at] != 1)
		return;
	cells->empty[at] = 2;
	g_array_append_val(cells->stack, at);
}

/* The cells that hang together with this one: how many, and around them. */
static int64_t flood(Cells *cells, int32_t col, int32_t row, TfRect *around)
{
	int64_t n = 0;
	*around = (TfRect){INT64_MAX, INT64_MAX, 0, 0};
	visit(cells, col, row);
	while (cells->stack->len > 0) {
		int32_t at = g_array_index(cells->stack, int32_t, cells->stack->len - 1);
		g_array_set_size(cells->stack, cells->stack->len - 1);
		int32_t c = at % cells->cols, r = at / cells->cols;
		*around = (TfRect){MIN(around->x0, c), MIN(around->y0, r), MAX(around->x1, c + 1), MAX(around->y1, r + 1)};
		visit(cells, c - 1, r);
		visit(cells, c + 1, r);
		visit(cells, c, r - 1);
		visit(cells, c, r + 1);
		n++;
	}
	return n;
}

static void find_hole(const TfScene *scene, TfSurvey *survey)
{
	int64_t width = tf_scene_width(scene), height = tf_scene_height(scene);
	Cells cells = {.step = MAX(tf_ceil_div(MAX(width, height), HOLE_CELLS), 1)};
	cells.cols = (int32_t)tf_ceil_div(width, cells.step);
	cells.rows = (int32_t)tf_ceil_div(height, cells.step);
	g_autofree uint8_t *empty = g_malloc0((size_t)cells.cols * (size_t)cells.rows);
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(int32_t));
	cells.empty = empty;
	cells.stack = stack;
	survey->hole_step = cells.step;
	for (int32_t row = 0; row < cells.rows; row++)
		for (int32_t col = 0; col < cells.cols; col++) {
			TfRect cell = {col * cells.step, row * cells.step, (col + 1) * cells.step, (row + 1) * cells.step};
			empty[row * cells.cols + col] = !tf_scene_touches(scene, cell);
		}
	int64_t most = 0;
	for (int32_t row = 0; row < cells.rows; row++)
		for (int32_t col = 0; col < cells.cols; col++) {
			TfRect around;
			int64_t n = flood(&cells, col, row, &around);
			if (n <= most)
				continue;
			most = n;
			survey->hole = (TfRect){around.x0 * cells.step, around.y0 * cells.step,
			                        MIN(around.x1 * cells.step, width), MIN(around.y1 * cells.step, height)};
		}
}

/* --- sizes -------------------------------------------------------------------------- */

static void look_at_sizes(const TfScene *scene, TfSurvey *survey)
{
	g_autoptr(GHashTable) counts = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	uint64_t least = UINT64_MAX, most = 0;
	for (uint32_t i = 0; i < tf_scene_n_placed(scene); i++) {
		const TfSource *source = tf_scene_source(scene, i);
		gint64 key = (gint64)source->width << 32 | source->height;
		guint n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, &key)) + 1;
		g_hash_table_insert(counts, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(n));
		if (n > survey->n_usual) {
			survey->n_usual = n;
			survey->usual_width = source->width;
			survey->usual_height = source->height;
		}
		uint64_t px = (uint64_t)source->width * (uint64_t)source->height;
		if (px < least) {
			least = px;
			survey->smallest = i;
		}
		if (px > most) {
			most = px;
			survey->largest = i;
		}
	}
}

void tf_survey(const TfScene *scene, TfSurvey *survey)
{
	*survey = (TfSurvey){0};
	measure_areas(scene, survey);
	look_at_pairs(scene, survey);
	if (survey->hole_px > 0)
		find_hole(scene, survey);
	look_at_sizes(scene, survey);
}
