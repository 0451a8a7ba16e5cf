/* SPDX-License-Identifier: MIT */
#include <tiffuse/scene.h>

#include <math.h>

/* A uniform grid of buckets over the extent; the sources of bucket b are
 * entry[start[b]] to entry[start[b + 1]], topmost first. */
typedef struct {
	int64_t width, height; /* of a bucket, px */
	int64_t cols, rows;
	uint32_t *start, *entry;
} Buckets;

struct _TfScene {
	TfBlend blend;
	bool frozen;
	GStringChunk *paths;
	size_t path_bytes;
	GArray *sources; /* TfSource; those of all levels, shared by their scenes */
	uint32_t first, n; /* of them, those of this level */
	GPtrArray *levels; /* of level 0: the scenes of levels 1, 2, ... */
	uint32_t n_reserved;
	TfRect extent; /* as asked for, or empty */
	int64_t width, height;
	Buckets buckets;
};

TfScene *tf_scene_new(TfBlend blend)
{
	TfScene *scene = g_new0(TfScene, 1);
	scene->blend = blend;
	scene->paths = g_string_chunk_new(64 * 1024);
	scene->sources = g_array_new(FALSE, FALSE, sizeof(TfSource));
	scene->levels = g_ptr_array_new();
	return scene;
}

static void free_level(TfScene *scene)
{
	g_free(scene->buckets.start);
	g_free(scene->buckets.entry);
	g_free(scene);
}

void tf_scene_free(TfScene *scene)
{
	if (!scene)
		return;
	for (guint i = 0; i < scene->levels->len; i++)
		free_level(g_ptr_array_index(scene->levels, i));
	g_ptr_array_unref(scene->levels);
	g_string_chunk_free(scene->paths);
	g_array_unref(scene->sources);
	free_level(scene);
}

void tf_scene_reserve(TfScene *scene, uint32_t n)
{
	g_assert(scene->sources->len == 0);
	g_array_unref(scene->sources);
	scene->sources = g_array_sized_new(FALSE, FALSE, sizeof(TfSource), n);
	scene->n_reserved = n;
}

static void append(TfScene *scene, const TfSource *source)
{
	TfSource copy = *source;
	TfRect all = {copy.x, copy.y, INT64_MAX, INT64_MAX};
	if (__builtin_add_overflow(copy.x, copy.width, &all.x1))
		all.x1 = INT64_MAX;
	if (__builtin_add_overflow(copy.y, copy.height, &all.y1))
		all.y1 = INT64_MAX;
	copy.path = g_string_chunk_insert(scene->paths, source->path);
	copy.part = tf_rect_is_empty(copy.part) ? all : tf_rect_intersect(copy.part, all);
	scene->path_bytes += strlen(source->path) + 1;
	g_array_append_val(scene->sources, copy);
}

void tf_scene_add(TfScene *scene, const TfSource *source)
{
	g_assert(!scene->frozen);
	append(scene, source);
}

static TfSource *source_at(const TfScene *scene, uint32_t index)
{
	return &g_array_index(scene->sources, TfSource, index);
}

/* --- freezing ---------------------------------------------------------------- */

void tf_scene_set_extent(TfScene *scene, TfRect extent)
{
	g_assert(!scene->frozen && !tf_rect_is_empty(extent));
	scene->extent = extent;
}

TfRect tf_scene_bounds(const TfScene *scene)
{
	TfRect bounds = {INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN};
	for (uint32_t i = 0; i < scene->sources->len; i++) {
		TfRect r = source_at(scene, i)->part;
		bounds = (TfRect){MIN(bounds.x0, r.x0), MIN(bounds.y0, r.y0), MAX(bounds.x1, r.x1), MAX(bounds.y1, r.y1)};
	}
	return bounds;
}

static bool check_pixels(const TfScene *scene, GError **error)
{
	for (uint32_t i = 0; i < scene->sources->len; i++) {
		const TfSource *source = source_at(scene, i);
		if (source->width >= 1 && source->height >= 1)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: has no pixels (%d x %d)", source->path,
		            source->width, source->height);
		return false;
	}
	return true;
}

/* Moves a source; false when nothing of it lies in the extent.  Its part is not
 * cut: blending goes by its edges, and must not depend on the extent. */
static bool move(TfSource *source, TfRect extent)
{
	TfRect part = source->part;
	if (tf_rect_is_empty(tf_rect_intersect(part, extent)))
		return false;
	source->part = (TfRect){part.x0 - extent.x0, part.y0 - extent.y0, part.x1 - extent.x0, part.y1 - extent.y0};
	source->x -= extent.x0;
	source->y -= extent.y0;
	return true;
}

static bool refuse_size(const TfScene *scene, TfRect extent, GError **error)
{
	for (uint32_t i = 0; i < scene->sources->len; i++) {
		const TfSource *source = source_at(scene, i);
		int64_t x, y;
		if (!__builtin_sub_overflow(source->part.x1, extent.x0, &x) &&
		    !__builtin_sub_overflow(source->part.y1, extent.y0, &y) && x <= INT32_MAX && y <= INT32_MAX)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "%s: at (%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
		            ") it would make the mosaic larger than %d pixels",
		            source->path, source->x, source->y, INT32_MAX);
		return false;
	}
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "the mosaic would be larger than %d pixels", INT32_MAX);
	return false;
}

static bool place(TfScene *scene, GError **error)
{
	if (!check_pixels(scene, error))
		return false;
	TfRect extent = tf_rect_is_empty(scene->extent) ? tf_scene_bounds(scene) : scene->extent;
	if (__builtin_sub_overflow(extent.x1, extent.x0, &scene->width) ||
	    __builtin_sub_overflow(extent.y1, extent.y0, &scene->height) || scene->width > INT32_MAX ||
	    scene->height > INT32_MAX)
		return refuse_size(scene, extent, error);
	uint32_t left = 0;
	for (uint32_t i = 0; i < scene->sources->len; i++)
		if (move(source_at(scene, i), extent))
			*source_at(scene, left++) = *source_at(scene, i);
	g_array_set_size(scene->sources, left);
	if (left > 0)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "no source lies in the mosaic");
	return false;
}

/* About as many buckets as sources, of square shape where the extent allows.
 * A bucket is at least as wide, as high and as large as the sources' mean:
 * then the entries stay below some 9 per source (4 in a plain grid), also when
 * everything lies on one heap or a few sources cover all the others. */
static void size_buckets(TfScene *scene)
{
	uint32_t n = scene->n;
	double sum_width = 0, sum_height = 0, sum_area = 0;
	for (uint32_t i = scene->first; i < scene->first + n; i++) {
		TfRect r = tf_scene_source_rect(scene, i);
		double w = (double)(r.x1 - r.x0), h = (double)(r.y1 - r.y0);
		sum_width += w;
		sum_height += h;
		sum_area += w * h;
	}
	double side = sqrt((double)scene->width * scene->height / n);
	double rows = CLAMP(scene->height / side, 1, n), cols = CLAMP(n / rows, 1, n);
	double width = MAX(scene->width / cols, sum_width / n);
	double height = MAX(scene->height / rows, sum_height / n);
	double grow = sqrt(MAX(1, sum_area / n / (width * height)));
	Buckets *buckets = &scene->buckets;
	buckets->width = MIN((int64_t)ceil(width * grow), scene->width);
	buckets->height = MIN((int64_t)ceil(height * grow), scene->height);
	buckets->cols = tf_ceil_div(scene->width, buckets->width);
	buckets->rows = tf_ceil_div(scene->height, buckets->height);
}

/* The buckets, [x0, x1) x [y0, y1), that a non-empty rectangle inside the
 * extent lies in. */
static TfRect bucket_range(const Buckets *buckets, TfRect rect)
{
	return (TfRect){rect.x0 / buckets->width, rect.y0 / buckets->height, (rect.x1 - 1) / buckets->width + 1,
	                (rect.y1 - 1) / buckets->height + 1};
}

static uint32_t by_height(const TfScene *scene, uint32_t rank)
{
	return scene->first + (scene->blend == TF_BLEND_FIRST ? rank : scene->n - 1 - rank);
}

/* Counting sort: count per bucket, add up, then fill in order of height. */
static bool fill_buckets(TfScene *scene, GError **error)
{
	Buckets *buckets = &scene->buckets;
	size_t n_buckets = buckets->cols * buckets->rows;
	uint64_t n_entries = 0;
	for (uint32_t i = scene->first; i < scene->first + scene->n; i++) {
		TfRect range = bucket_range(buckets, tf_scene_source_rect(scene, i));
		n_entries += (range.x1 - range.x0) * (range.y1 - range.y0);
	}
	if (n_entries > UINT32_MAX) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%u sources are too many", scene->n);
		return false;
	}
	uint32_t *start = buckets->start = g_try_new0(uint32_t, n_buckets + 2);
	uint32_t *entry = buckets->entry = g_try_new(uint32_t, n_entries);
	if (!start || !entry) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "no memory to index %u sources",
		            scene->n);
		return false;
	}
	for (uint32_t i = scene->first; i < scene->first + scene->n; i++) {
		TfRect range = bucket_range(buckets, tf_scene_source_rect(scene, i));
		for (int64_t y = range.y0; y < range.y1; y++)
			for (int64_t x = range.x0; x < range.x1; x++)
				start[y * buckets->cols + x + 2]++;
	}
	for (size_t b = 0; b < n_buckets; b++)
		start[b + 2] += start[b + 1];
	/* start[b + 1] is the place of b's next entry, and ends as b + 1's first. */
	for (uint32_t rank = 0; rank < scene->n; rank++) {
		uint32_t i = by_height(scene, rank);
		TfRect range = bucket_range(buckets, tf_scene_source_rect(scene, i));
		for (int64_t y = range.y0; y < range.y1; y++)
			for (int64_t x = range.x0; x < range.x1; x++)
				entry[start[y * buckets->cols + x + 1]++] = i;
	}
	return true;
}

/* GArray grows by doubling; give the unused half back. */
static void trim(TfScene *scene)
{
	if (scene->sources->len == scene->n_reserved)
		return;
	GArray *exact = g_array_sized_new(FALSE, FALSE, sizeof(TfSource), scene->sources->len);
	g_array_append_vals(exact, scene->sources->data, scene->sources->len);
	g_array_unref(scene->sources);
	scene->sources = exact;
}

bool tf_scene_freeze(TfScene *scene, GError **error)
{
	g_assert(!scene->frozen);
	if (scene->sources->len == 0) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "there is no source: nothing to show");
		return false;
	}
	if (!place(scene, error))
		return false;
	trim(scene);
	scene->n = scene->sources->len;
	size_buckets(scene);
	if (!fill_buckets(scene, error))
		return false;
	scene->frozen = true;
	return true;
}

bool tf_scene_add_level(TfScene *scene, int64_t width, int64_t height, const TfSource *sources, uint32_t n,
                        GError **error)
{
	g_assert(scene->frozen && n > 0);
	TfScene *level = g_new0(TfScene, 1);
	*level = (TfScene){.blend = scene->blend,
	                   .sources = scene->sources,
	                   .first = scene->sources->len,
	                   .width = width,
	                   .height = height};
	g_ptr_array_add(scene->levels, level);
	for (uint32_t i = 0; i < n; i++) {
		append(scene, &sources[i]);
		source_at(scene, level->first + i)->level = (uint8_t)scene->levels->len;
		bool is_seen = move(source_at(scene, level->first + i), (TfRect){0, 0, width, height});
		g_assert(is_seen);
	}
	level->n = n;
	size_buckets(level);
	level->frozen = fill_buckets(level, error);
	return level->frozen;
}

const TfScene *tf_scene_at_level(const TfScene *scene, int k)
{
	return k == 0 ? scene : g_ptr_array_index(scene->levels, (guint)k - 1);
}

int tf_scene_n_levels(const TfScene *scene)
{
	return (int)scene->levels->len + 1;
}

/* --- looking up ---------------------------------------------------------------- */

TfBlend tf_scene_blend(const TfScene *scene)
{
	return scene->blend;
}

int64_t tf_scene_width(const TfScene *scene)
{
	return scene->width;
}

int64_t tf_scene_height(const TfScene *scene)
{
	return scene->height;
}

uint32_t tf_scene_n_sources(const TfScene *scene)
{
	return scene->sources->len;
}

uint32_t tf_scene_n_placed(const TfScene *scene)
{
	return scene->frozen ? scene->n : scene->sources->len;
}

const TfSource *tf_scene_source(const TfScene *scene, uint32_t index)
{
	g_assert(index < scene->sources->len);
	return source_at(scene, index);
}

TfRect tf_scene_source_rect(const TfScene *scene, uint32_t index)
{
	const TfSource *source = tf_scene_source(scene, index);
	const TfScene *own = scene->levels ? tf_scene_at_level(scene, source->level) : scene;
	return tf_rect_intersect(source->part, (TfRect){0, 0, own->width, own->height});
}

static TfRect clip(const TfScene *scene, TfRect rect)
{
	g_assert(scene->frozen);
	return tf_rect_intersect(rect, (TfRect){0, 0, scene->width, scene->height});
}

bool tf_scene_touches(const TfScene *scene, TfRect rect)
{
	rect = clip(scene, rect);
	if (tf_rect_is_empty(rect))
		return false;
	const Buckets *buckets = &scene->buckets;
	TfRect range = bucket_range(buckets, rect);
	for (int64_t y = range.y0; y < range.y1; y++) {
		/* the buckets of a row stand side by side, so do their entries */
		uint32_t first = buckets->start[y * buckets->cols + range.x0];
		uint32_t end = buckets->start[y * buckets->cols + range.x1];
		for (uint32_t e = first; e < end; e++)
			if (!tf_rect_is_empty(tf_rect_intersect(rect, tf_scene_source_rect(scene, buckets->entry[e]))))
				return true;
	}
	return false;
}

int64_t tf_scene_topmost(const TfScene *scene, TfRect rect)
{
	rect = clip(scene, rect);
	if (tf_rect_is_empty(rect))
		return -1;
	const Buckets *buckets = &scene->buckets;
	TfRect range = bucket_range(buckets, rect);
	int64_t best = -1;
	for (int64_t y = range.y0; y < range.y1; y++)
		for (int64_t x = range.x0; x < range.x1; x++) {
			const uint32_t *start = &buckets->start[y * buckets->cols + x];
			for (uint32_t e = start[0]; e < start[1]; e++) {
				int64_t i = buckets->entry[e];
				if (tf_rect_is_empty(tf_rect_intersect(rect, tf_scene_source_rect(scene, (uint32_t)i))))
					continue;
				if (best < 0 || (scene->blend == TF_BLEND_FIRST ? i < best : i > best))
					best = i;
				break; /* the bucket's others lie below it */
			}
		}
	return best;
}

/* Does (x, y) lie in the bucket? */
static bool bucket_holds(const Buckets *buckets, int64_t col, int64_t row, int64_t x, int64_t y)
{
	return x / buckets->width == col && y / buckets->height == row;
}

/* Writes up to `capacity` sources that intersect rect and returns how many
 * there are.  A source in several buckets is told by the one that holds the
 * top left corner of its intersection with rect: no marks, so no state. */
static size_t collect(const TfScene *scene, TfRect rect, uint32_t *found, size_t capacity)
{
	rect = clip(scene, rect);
	if (tf_rect_is_empty(rect))
		return 0;
	const Buckets *buckets = &scene->buckets;
	TfRect range = bucket_range(buckets, rect);
	size_t n = 0;
	for (int64_t y = range.y0; y < range.y1; y++)
		for (int64_t x = range.x0; x < range.x1; x++) {
			const uint32_t *start = &buckets->start[y * buckets->cols + x];
			for (uint32_t e = start[0]; e < start[1]; e++) {
				uint32_t i = buckets->entry[e];
				TfRect common = tf_rect_intersect(rect, tf_scene_source_rect(scene, i));
				if (tf_rect_is_empty(common) || !bucket_holds(buckets, x, y, common.x0, common.y0))
					continue;
				if (n < capacity)
					found[n] = i;
				n++;
			}
		}
	return n;
}

static int compare_ascending(const void *a, const void *b)
{
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	return (i > k) - (i < k);
}

static int compare_descending(const void *a, const void *b)
{
	return compare_ascending(b, a);
}

static void sort_topmost_first(const TfScene *scene, uint32_t *found, size_t n)
{
	/* qsort() does not allocate for the few that a tile has */
	qsort(found, n, sizeof *found, scene->blend == TF_BLEND_FIRST ? compare_ascending : compare_descending);
}

void tf_scene_query(const TfScene *scene, TfRect rect, GArray *out)
{
	guint old = out->len, room = 16;
	g_array_set_size(out, old + room);
	size_t n = collect(scene, rect, &g_array_index(out, uint32_t, old), room);
	g_array_set_size(out, old + n);
	if (n > room)
		collect(scene, rect, &g_array_index(out, uint32_t, old), n);
	if (n > 1)
		sort_topmost_first(scene, &g_array_index(out, uint32_t, old), n);
}

/* The background in out[first...] that the source covers becomes its own;
 * what remains of a piece is appended: above, below, left, right. */
static void cover(GArray *out, guint first, int64_t source, TfRect rect)
{
	guint n = out->len;
	for (guint f = first; f < n; f++) {
		TfFragment *fragment = &g_array_index(out, TfFragment, f);
		TfRect old = fragment->rect, common = tf_rect_intersect(old, rect);
		if (fragment->source >= 0 || tf_rect_is_empty(common))
			continue;
		*fragment = (TfFragment){source, common};
		TfFragment rest[] = {{-1, {old.x0, old.y0, old.x1, common.y0}},
		                     {-1, {old.x0, common.y1, old.x1, old.y1}},
		                     {-1, {old.x0, common.y0, common.x0, common.y1}},
		                     {-1, {common.x1, common.y0, old.x1, common.y1}}};
		for (guint r = 0; r < G_N_ELEMENTS(rest); r++)
			if (!tf_rect_is_empty(rest[r].rect))
				g_array_append_val(out, rest[r]);
	}
}

static bool has_background(const GArray *out, guint first)
{
	for (guint f = out->len; f > first; f--)
		if (g_array_index(out, TfFragment, f - 1).source < 0)
			return true;
	return false;
}

void tf_scene_visible(const TfScene *scene, TfRect rect, GArray *out)
{
	if (tf_rect_is_empty(rect))
		return;
	uint32_t few[64];
	g_autofree uint32_t *many = NULL;
	uint32_t *found = few;
	size_t n = collect(scene, rect, few, G_N_ELEMENTS(few));
	if (n > G_N_ELEMENTS(few)) {
		found = many = g_new(uint32_t, n);
		collect(scene, rect, many, n);
	}
	sort_topmost_first(scene, found, n);
	guint first = out->len;
	TfFragment all = {-1, rect};
	g_array_append_val(out, all);
	for (size_t i = 0; i < n && has_background(out, first); i++)
		cover(out, first, found[i], tf_scene_source_rect(scene, found[i]));
}

void tf_scene_fragments(const TfScene *scene, TfRect rect, GArray *out)
{
	if (scene->blend != TF_BLEND_FEATHER) {
		tf_scene_visible(scene, rect, out);
		return;
	}
	g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	tf_scene_query(scene, rect, found);
	for (guint i = 0; i < found->len; i++) {
		uint32_t source = g_array_index(found, uint32_t, i);
		TfFragment fragment = {source, tf_rect_intersect(rect, tf_scene_source_rect(scene, source))};
		g_array_append_val(out, fragment);
	}
}

TfRect tf_scene_seen(const TfScene *scene, uint32_t index, TfRect rect)
{
	g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(TfFragment));
	rect = tf_rect_intersect(rect, tf_scene_source_rect(scene, index));
	tf_scene_fragments(tf_scene_at_level(scene, tf_scene_source(scene, index)->level), rect, fragments);
	TfRect seen = {rect.x1, rect.y1, rect.x0, rect.y0};
	for (guint i = 0; i < fragments->len; i++) {
		const TfFragment *fragment = &g_array_index(fragments, TfFragment, i);
		TfRect r = fragment->rect;
		if (fragment->source == index)
			seen = (TfRect){MIN(seen.x0, r.x0), MIN(seen.y0, r.y0), MAX(seen.x1, r.x1), MAX(seen.y1, r.y1)};
	}
	return seen;
}

static size_t level_bytes(const TfScene *scene)
{
	const Buckets *buckets = &scene->buckets;
	size_t bytes = sizeof *scene;
	if (buckets->start) {
		size_t n_buckets = buckets->cols * buckets->rows;
		bytes += (n_buckets + 2 + buckets->start[n_buckets]) * sizeof(uint32_t);
	}
	return bytes;
}

size_t tf_scene_bytes(const TfScene *scene)
{
	size_t bytes = scene->path_bytes + scene->sources->len * sizeof(TfSource) + level_bytes(scene);
	for (guint i = 0; i < scene->levels->len; i++)
		bytes += level_bytes(g_ptr_array_index(scene->levels, i));
	return bytes;
}
