/* SPDX-License-Identifier: MIT */
#include "collection_private.h"

#include <string.h>
#include <tiffuse/text.h>
#include <unistd.h>

typedef struct {
	uint64_t known, failed, open, engines, open_files, tiles_made, decoded_px, reads, errors;
} Sums;

static void add_engine_locked(Sums *sums, const TfEngine *engine)
{
	const TfCounters *from = &engine->counters;
	sums->engines++;
	for (int k = 0; k < TF_MAX_LEVELS; k++)
		sums->tiles_made += from->tiles_made[k];
	sums->decoded_px += from->decoded_px;
	sums->reads += from->reads;
	sums->errors += from->errors;
	sums->open_files += tf_sources_open_files(engine->mosaic->sources);
}

static Sums sum_locked(TfCollection *c)
{
	Sums sums = {.known = g_hash_table_size(c->members),
	             .open = c->open.length,
	             .tiles_made = c->past.tiles_made,
	             .decoded_px = c->past.decoded_px,
	             .reads = c->past.reads,
	             .errors = c->past.errors};
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, c->members);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const TfMember *member = value;
		sums.failed += member->error != NULL;
		if (member->engine)
			add_engine_locked(&sums, member->engine);
	}
	return sums;
}

char *tf_collection_status(TfCollection *c)
{
	GString *out = g_string_new(NULL);
	g_mutex_lock(&c->lock);
	Sums sums = sum_locked(c);
	uint64_t opened = c->n_opened, closed = c->n_closed, failed = c->n_failed;
	g_mutex_unlock(&c->lock);
	tf_status_add_text(out, "version", TF_VERSION);
	tf_status_add_text(out, "tree", c->root);
	tf_status_add(out, "pid", (uint64_t)getpid());
	tf_status_add(out, "mosaics_known", sums.known);
	tf_status_add(out, "mosaics_broken", sums.failed);
	tf_status_add(out, "mosaics_open", sums.open);
	tf_status_add(out, "mosaics_open_limit", c->options.max_open);
	tf_status_add(out, "mosaics_active", sums.engines);
	tf_status_add(out, "opened", opened);
	tf_status_add(out, "closed", closed);
	tf_status_add(out, "failed", failed);
	tf_status_add(out, "tiles_made", sums.tiles_made);
	tf_status_add(out, "pixels_decoded", sums.decoded_px);
	tf_status_add(out, "reads", sums.reads);
	tf_status_add(out, "errors", sums.errors);
	tf_status_add(out, "memory_target_bytes", c->options.mosaic.memory_bytes);
	tf_status_add_process(out);
	tf_status_add(out, "open_files", sums.open_files);
	tf_status_add(out, "threads", sums.engines * c->options.engine.threads);
	return g_string_free(out, FALSE);
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is named twice, the root, is named once. */
static char *error_line(const TfCollection *c, const TfMember *member)
{
	const char *source = member->source;
	size_t n = strlen(c->root);
	if (strncmp(source, c->root, n) == 0 && source[n] == '/')
		source += n + 1;
	return g_strdup_printf("%s: %s", source, member->error->message);
}

static GPtrArray *list_broken_locked(TfCollection *c)
{
	GPtrArray *broken = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, c->members);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((TfMember *)value)->error)
			g_ptr_array_add(broken, value);
	return broken;
}

/* What is not there any more is not broken. */
static void forget_vanished(TfCollection *c)
{
	g_mutex_lock(&c->lock);
	g_autoptr(GPtrArray) broken = list_broken_locked(c);
	g_mutex_unlock(&c->lock);
	for (guint i = 0; i < broken->len; i++) {
		TfMember *member = broken->pdata[i];
		if (access(member->source, F_OK) == 0)
			continue;
		g_mutex_lock(&c->lock);
		g_clear_error(&member->error);
		g_mutex_unlock(&c->lock);
	}
}

char *tf_collection_errors(TfCollection *c)
{
	forget_vanished(c);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_mutex_lock(&c->lock);
	g_autoptr(GPtrArray) broken = list_broken_locked(c);
	for (guint i = 0; i < broken->len; i++)
		g_ptr_array_add(lines, error_line(c, broken->pdata[i]));
	g_mutex_unlock(&c->lock);
	g_ptr_array_sort(lines, compare_lines);
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < lines->len; i++) {
		g_autofree char *line = tf_text_printable(lines->pdata[i]);
		g_string_append_printf(out, "%s\n", line);
	}
	return g_string_free(out, FALSE);
}
