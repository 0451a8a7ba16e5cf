/* SPDX-License-Identifier: MIT
 *
 * Which sources let a worker wait: a network file system may hang for hours,
 * and whoever looks for the reason finds it in the status and in the log.
 */
#include "engine_private.h"

enum { STUCK_US = 5 * 1000 * 1000 };

void tf_watch_begin_locked(TfEngine *engine, TfWatch *watch, uint32_t source)
{
	*watch = (TfWatch){.source = source, .since_us = g_get_monotonic_time(), .link = {.data = watch}};
	g_queue_push_tail_link(&engine->watches, &watch->link);
}

void tf_watch_end_locked(TfEngine *engine, TfWatch *watch)
{
	g_queue_unlink(&engine->watches, &watch->link);
}

static const char *path_of(const TfEngine *engine, const TfWatch *watch)
{
	return tf_scene_source(engine->mosaic->scene, watch->source)->path;
}

void tf_watch_add_status(TfEngine *engine, GString *out)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	unsigned n = 0;
	g_mutex_lock(&engine->lock);
	gint64 now_us = g_get_monotonic_time();
	for (GList *link = engine->watches.head; link; link = link->next) {
		const TfWatch *watch = link->data;
		gint64 age_us = now_us - watch->since_us;
		if (age_us < STUCK_US)
			break; /* the others began later */
		g_autofree char *key = g_strdup_printf("stuck_source_%u", ++n);
		g_autofree char *text = g_strdup_printf("for %" G_GINT64_FORMAT " s: %s", age_us / G_USEC_PER_SEC,
		                                        path_of(engine, watch));
		tf_status_add_text(lines, key, text);
	}
	g_mutex_unlock(&engine->lock);
	g_string_append_printf(out, "stuck_sources: %u\n%s", n, lines->str);
}

const char *tf_watch_news_locked(TfEngine *engine)
{
	gint64 late_us = g_get_monotonic_time() - STUCK_US;
	for (GList *link = engine->watches.head; link; link = link->next) {
		TfWatch *watch = link->data;
		if (watch->since_us > late_us)
			return NULL;
		if (watch->told)
			continue;
		watch->told = true;
		return path_of(engine, watch);
	}
	return NULL;
}
